"""Bayesian optimisation of the learning rate, by Optuna's samplers, in batches trained side by side.

Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework (KDD 2019). Within a batch the
members that are not judged yet count as if they had reached the mean of what is known, so that they spread:
the constant liar of Ginsbourger et al., Kriging Is Well-Suited to Parallelize Optimization (2010).
"""

import logging
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from rightrate import _check
from rightrate.errors import MissingExtraError
from rightrate.search.ranges import interval, stratified
from rightrate.search.rounds import Round, Standing
from rightrate.search.space import Space
from rightrate.search.strategy import State
from rightrate.tasks.seeds import mix

__all__ = ["SAMPLERS", "Bayes", "Sampler"]

Sampler = Literal["gp", "tpe", "random"]
SAMPLERS: tuple[Sampler, ...] = ("gp", "tpe", "random")

_SEEDS = 1 << 32
_STARTS, _DECAYS, _TRIALS = 1, 2, 3
_INSTALL = "Bayes needs optuna; install it with: pip install 'rightrate[optuna]'"


@dataclass(frozen=True, kw_only=True)
class Bayes:
    """Full runs whose rates a model of what was reached so far proposes, `batch` of them side by side.

    The first batch covers the range evenly. Every later trial comes from an Optuna study that is made anew
    from the observations, with a sampler seeded by (seed, trial), and so is a function of its arguments. What
    did not train, or ended worse than having learned nothing, counts as having learned nothing.

    Args:
        trials: Full runs in all, >= 1.
        batch: How many are trained side by side, >= 1.
        sampler: "gp" (a Gaussian process), "tpe" (tree-structured Parzen estimators) or "random".
        weight_decay: Lowest and highest weight decay to search, > 0; None leaves it to the optimizer.

    Raises:
        ConfigError: If an argument is outside its domain.
        MissingExtraError: If Optuna is not installed.
    """

    trials: int = 12
    batch: int = 4
    sampler: Sampler = "gp"
    weight_decay: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check.integer("Bayes(trials=...)", self.trials, low=1)
        _check.integer("Bayes(batch=...)", self.batch, low=1)
        _check.choice("Bayes(sampler=...)", self.sampler, SAMPLERS)
        if self.weight_decay is not None:
            where, ends = "Bayes(weight_decay=...)", self.weight_decay
            object.__setattr__(self, "weight_decay", interval(where, ends))
        _optuna()

    @property
    def name(self) -> str:
        """What people call it."""
        return "bayes"

    @property
    def size(self) -> int:
        """The number of members of a batch."""
        return min(self.batch, self.trials)

    def planned(self, space: Space) -> int:
        """Return the member-steps it takes where every member trains."""
        return self.trials * space.steps

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        return {"space": space.to_dict(), "seen": [], "asked": 0}

    def decide(self, state: State, standings: Sequence[Standing]) -> tuple[Sequence[Round], State]:
        """Return the next batch of full runs."""
        space = Space.from_dict(state["space"])
        seen = [*state["seen"], *(self._told(standing, space) for standing in standings)]
        asked = int(state["asked"])
        count = min(self.batch, self.trials - asked)
        new = {**state, "seen": seen, "asked": asked + count}
        if count < 1:
            return (), new
        points = self._ask(space, seen, asked, count) if seen else self._first(space, count)
        decays = None if self.weight_decay is None else tuple(point["weight_decay"] for point in points)
        batch = Round(
            take=None,
            lrs=tuple(point["lr"] for point in points),
            steps=space.steps,
            seed=space.seed,
            weight_decays=decays,
        )
        return (batch,), new

    def _told(self, standing: Standing, space: Space) -> dict[str, float]:
        value = min(standing.value, space.untrained) if standing.finite else space.untrained
        told = {"lr": standing.lr, "value": value}
        if self.weight_decay is not None and standing.weight_decay is not None:
            told["weight_decay"] = standing.weight_decay
        return told

    def _first(self, space: Space, count: int) -> list[dict[str, float]]:
        lrs = stratified(space.low, space.high, count, random.Random(mix(space.seed, _STARTS)))
        points = [{"lr": lr} for lr in lrs]
        if self.weight_decay is not None:
            draws = random.Random(mix(space.seed, _DECAYS))
            decays = list(stratified(*self.weight_decay, count, draws))
            draws.shuffle(decays)
            points = [{**point, "weight_decay": decay} for point, decay in zip(points, decays, strict=True)]
        return points

    def _ask(
        self, space: Space, seen: Sequence[dict[str, float]], asked: int, count: int
    ) -> list[dict[str, float]]:
        """Return the next points to try."""
        optuna = _optuna()
        log_uniform = optuna.distributions.FloatDistribution
        axes = {"lr": log_uniform(space.low, space.high, log=True)}
        if self.weight_decay is not None:
            axes["weight_decay"] = log_uniform(*self.weight_decay, log=True)
        mean = sum(point["value"] for point in seen) / len(seen)
        points: list[dict[str, float]] = []
        with _quiet():
            for trial in range(asked, asked + count):
                seed = mix(space.seed, _TRIALS, trial) % _SEEDS
                study = optuna.create_study(sampler=self._sampler(optuna, seed))
                for point in (*seen, *({**point, "value": mean} for point in points)):
                    params = {name: point[name] for name in axes}
                    told = optuna.trial.create_trial(params=params, distributions=axes, value=point["value"])
                    study.add_trial(told)
                points.append({name: float(study.ask(axes).params[name]) for name in axes})
        return points

    def _sampler(self, optuna: Any, seed: int) -> Any:
        if self.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        if self.sampler == "tpe":
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=1)
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=1, deterministic_objective=False)


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise MissingExtraError(_INSTALL) from None
    return optuna


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's log to itself: a study is made for every trial."""
    log = logging.getLogger("optuna")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
