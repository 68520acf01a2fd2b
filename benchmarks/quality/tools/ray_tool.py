"""Ray Tune's ASHA on the recorded curves.

A real `tune.Tuner` with `ASHAScheduler(max_t=27)` and random search (`BasicVariantGenerator`), all else
that decides at its default, the resource being the points of a curve. Its trainable replays: one step is
one point. Trials run one after the other in one worker until the budget is spent, and the trial that is
running then is stopped. What a smaller budget would have answered is read off the same experiment when it
had spent that much, since nothing that Ray decides depends on the budget. One Ray session serves all
answers of a process; the CPU seconds count the recorded training and the process that asks, not Ray's own
background processes.
"""

import atexit
import functools
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools.replay import Replay, draw, replay, span
from benchmarks.quality.tools.tool import FIVE, THREE, measured
from benchmarks.quality.training import POINTS

__all__ = ["TOOLS", "RayAsha"]

_SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
}
"""Ray writes no logs and no checkpoints of its own, reports to nobody and leaves Ctrl-C alone."""

_STORE_BYTES = 80 * 2**20


@dataclass(frozen=True, kw_only=True)
class RayAsha:
    """ASHA over the range of the optimizer, or over 1e-6 to 1.

    The answer is the rate of `get_best_result`: of the trial whose last reported loss is the lowest.
    """

    wide: bool = False
    budgets: tuple[int, ...] = (1, 2, 4, 8)
    seeds: tuple[int, ...] = THREE
    package: str = "ray"

    @property
    def rows(self) -> tuple[str, ...]:
        """One row a budget, in run equivalents."""
        return tuple(f"Ray ASHA {budget}x" + " (1e-6 to 1)" * self.wide for budget in self.budgets)

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the answers of one experiment, one a budget."""
        kept = replay(case)
        log, seconds, note = _asked(case, seed, span(case, self.wide), POINTS * max(self.budgets))
        answers = []
        for row, budget in zip(self.rows, self.budgets, strict=True):
            seen = log.seen[: POINTS * budget]
            lr = None if note else kept.nearest(_best(seen).lr)
            trained = sum(kept.run(point.lr, seed, point.trial).seconds for point in seen) / POINTS
            answers.append(
                Answer(
                    tool=row,
                    case=case,
                    seed=seed,
                    lr=lr,
                    steps=kept.spent(len(seen)),
                    seconds=trained + seconds * len(seen) / max(1, len(log.seen)),
                    note=note,
                )
            )
        return answers


@dataclass(frozen=True, kw_only=True)
class _Point:
    trial: int
    lr: float
    loss: float


@dataclass(kw_only=True)
class _Log(tune.Stopper):
    """Remembers what was reported and stops the experiment at a number of points."""

    points: int
    seen: list[_Point] = field(default_factory=list)

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.seen.append(
            _Point(trial=_number(trial_id), lr=float(result["config"]["lr"]), loss=float(result["loss"]))
        )
        return self.stop_all()

    def stop_all(self) -> bool:
        return len(self.seen) >= self.points


@functools.cache
def _asked(case: Case, seed: int, rates: tuple[float, float], points: int) -> tuple[_Log, float, str]:
    """Return what one experiment reported, its CPU seconds and what went wrong.

    Kept, because 1e-6 to 1 is also the catalogue's range of some optimizers.
    """
    log = _Log(points=points)
    trainable = _trainable(replay(case), seed, points)
    _session()
    _, seconds, note = measured(lambda: _experiment(trainable, rates, log, seed))
    return log, seconds, note


def _number(trial_id: str) -> int:
    return int(trial_id.rsplit("_", 1)[1])


def _best(seen: Sequence[_Point]) -> _Point:
    """Return the last point of the trial whose last loss is the lowest, as `get_best_result` chooses."""
    last = {point.trial: point for point in seen}
    return min(last.values(), key=lambda point: point.loss)


def _experiment(
    trainable: Callable[[], Any], rates: tuple[float, float], log: _Log, seed: int
) -> tune.ResultGrid:
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        tuner = tune.Tuner(
            trainable(),
            param_space={"lr": tune.loguniform(*rates)},
            tune_config=tune.TuneConfig(
                metric="loss",
                mode="min",
                scheduler=ASHAScheduler(max_t=POINTS),
                search_alg=BasicVariantGenerator(random_state=seed, max_concurrent=1),
                num_samples=log.points,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                stop=log,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                failure_config=tune.FailureConfig(fail_fast=True),
            ),
        )
        results = tuner.fit()
    if results.errors:
        raise RuntimeError(f"a trial failed with {type(results.errors[0]).__name__}")
    return results


def _trainable(kept: Replay, seed: int, trials: int) -> Callable[[], Any]:
    """Return what Ray trains: curves read off a table.

    The class lives in a function so that Ray sends it whole: a worker that imported this module would have to
    import torch for every experiment.
    """

    class Curve(tune.Trainable):  # type: ignore[misc]
        def setup(self, config: dict[str, Any], **table: Any) -> None:
            self.rates, self.curves, self.draws = table["rates"], table["curves"], table["draws"]
            self._start(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self._start(new_config)
            return True

        def _start(self, config: dict[str, Any]) -> None:
            trial = int(self.trial_id.rsplit("_", 1)[1])
            nearest = min(self.rates, key=lambda rate: abs(math.log(rate / config["lr"])))
            runs = self.curves[nearest]
            self.left = iter(runs[int(self.draws[trial] * len(runs))])

        def step(self) -> dict[str, float]:
            return {"loss": next(self.left)}

    curves = {lr: [kept.curve(run) for run in runs.values()] for lr, runs in kept.table.items()}
    draws = [draw(seed, trial) for trial in range(trials)]
    return lambda: tune.with_parameters(Curve, rates=list(curves), curves=curves, draws=draws)


@functools.cache
def _session() -> None:
    """Start Ray once in this process; it ends, and its files go, with the process."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("ray").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    atexit.register(_close, folder)
    ray.init(
        address="local",
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=_STORE_BYTES,
        _temp_dir=str(folder),
    )


def _close(folder: Path) -> None:
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


TOOLS = (
    *(RayAsha(wide=wide) for wide in (False, True)),
    *(RayAsha(wide=wide, budgets=(1,), seeds=FIVE[len(THREE) :]) for wide in (False, True)),
)
