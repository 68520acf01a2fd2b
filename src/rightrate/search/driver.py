"""Carrying actions out: tables cut into blocks, progress, interruption, evaluation, what it cost."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rightrate.population.factory import Populations
from rightrate.population.program import normalisations
from rightrate.population.recalibrate import RECALIBRATION_BATCHES
from rightrate.schedules import FloatArray
from rightrate.search.compress import compress
from rightrate.search.record import Trial
from rightrate.search.seen import seen_batches
from rightrate.search.space import Action
from rightrate.search.trials import judged_trials, range_trial
from rightrate.store.frozen import from_plain, to_plain
from rightrate.store.journal import Forgetful, Journal

__all__ = ["Driver", "Progress", "Stopped", "geometric"]

_BLOCK_SECONDS = 1.0
_ON_THE_WAY = 0.1  # of the training: what evaluations before the end may take
_BACKWARD = 3  # a training step is taken to cost as much as three forward passes
_MEMORY = 10.0  # running statistics with momentum m are taken to have arrived after 10 / m steps


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """The search was asked to stop; what finished before is kept."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a search is, for whoever shows it.

    Args:
        action: What is being trained.
        done: Steps of it taken.
        spent: Member-steps of the whole search so far.
        allowance: Member-steps that may be spent in all; 0 if there is no limit.
        seconds: Wall time so far.
        name: What is being trained, where there is more than one thing; "" otherwise.
    """

    action: Action
    done: int
    spent: int
    allowance: int
    seconds: float
    name: str = ""


@dataclass
class _Work:
    """An action in progress: what its members have been through."""

    key: str
    action: Action
    population: Any
    table: FloatArray
    losses: list[FloatArray] = field(default_factory=list)
    judged: list[tuple[int, dict[str, FloatArray]]] = field(default_factory=list)


@dataclass
class Driver:
    """Trains what a strategy asks for.

    Args:
        populations: Makes the populations.
        shape: Fraction of the peak at each step of the real run, shape (S,).
        watch: Called between blocks; may raise `Stopped`.
        allowance: Member-steps that may be spent, for those who watch; 0 if there is no limit.
        journal: Remembers each action, and how far the present one is.
        spent: Member-steps by kind, those that are remembered included; so are all that follow.
        evaluation_forwards: Validation batches put through the model, counted per member.
        seconds: Wall time of training and of evaluation.
        remembered_seconds: The part of it that was spent before this process.
    """

    populations: Populations
    shape: FloatArray
    watch: Callable[[Progress], None]
    allowance: int = 0
    journal: Journal = field(default_factory=Forgetful)
    spent: dict[str, int] = field(default_factory=lambda: {"range": 0, "probe": 0, "confirm": 0})
    evaluation_forwards: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: {"train": 0.0, "evaluate": 0.0})
    remembered_seconds: float = 0.0
    _began: float = field(default_factory=time.perf_counter)
    _valid_batches: int = 0
    _actions: int = 0
    _costs: dict[str, float] = field(default_factory=dict)

    def run(self, action: Action) -> tuple[Trial, ...]:
        """Train the action's members from the start and judge them, or return what the journal remembers."""
        key, plain = f"action {self._actions}", to_plain(action)
        self._actions += 1
        known = self.journal.finished(key)
        self._costs = self._spent_on(action)
        if known is not None and known["action"] == plain:
            self._remember(action, known["costs"])
            return tuple(from_plain(Trial, trial) for trial in known["trials"])
        trials = self._trained(self._begun(key, action))
        costs = self._costs_since(action)
        self.journal.finish(key, {"action": plain, "trials": to_plain(trials), "costs": costs})
        return trials

    def _begun(self, key: str, action: Action) -> _Work:
        """Return the action's members at the start, or as its newest checkpoint has them."""
        if action.kind == "range":
            table = geometric(action.lrs[0], action.lrs[-1], action.steps)[:, None]
        else:
            table = compress(self.shape, action.steps)[:, None] * np.array(action.lrs)
        population: Any = self.populations.make(table.shape[1], action.seed, action.epoch)
        work = _Work(key=key, action=action, population=population, table=table)
        state: Mapping[str, Any] | None = self.journal.resume(key)
        if state is not None and state["what"] == self._what(action):
            population.load_state_dict(state["population"])
            work.losses.append(state["losses"])
            work.judged += [(stop, dict(values)) for stop, values in state["judged"]]
            self._remember(action, state["costs"])
        return work

    def _what(self, action: Action) -> dict[str, Any]:
        """Return what a checkpoint must be of: the same action, trained in the same way."""
        return {"action": to_plain(action), "verdict": self.populations.verdict.to_dict()}

    def _save(self, work: _Work) -> None:
        state = {
            "what": self._what(work.action),
            "population": work.population.state_dict(),
            "losses": np.concatenate(work.losses),
            "judged": work.judged,
            "costs": self._costs_since(work.action),
        }
        self.journal.checkpoint(work.key, state)

    def _trained(self, work: _Work) -> tuple[Trial, ...]:
        """Train and judge what is left of an action."""
        action = work.action
        if action.kind == "range":
            self._train(work, action.steps)
            return (range_trial(action, work.table, np.concatenate(work.losses)),)
        for stop in self._stops(action.steps)[len(work.judged) :]:
            self._train(work, stop)
            fork = self._to_judge(work.population, action)
            work.judged.append((stop, self._judge(fork)))
        seen = self._judge(fork, self._seen(action))
        return judged_trials(action, work.table, np.concatenate(work.losses), work.judged, seen)

    def _stops(self, steps: int) -> tuple[int, ...]:
        """Return the steps after which members are judged: the end, and on the way where that is cheap."""
        prepared = self.populations.prepared
        train, training = prepared.train, prepared.task.training
        batch: float = training.batch_size
        if train.samples and train.batches_per_epoch:
            batch = train.samples / train.batches_per_epoch
        trained = _BACKWARD * steps * training.accumulate * batch
        if steps < 64 or 2 * (prepared.valid.samples or 0) > _ON_THE_WAY * trained:
            return (steps,)
        return (steps // 4, steps // 2, steps)

    def _train(self, work: _Work, stop: int) -> None:
        """Advance up to a step, in blocks of about a second; a checkpoint comes between two of them."""
        block = 8
        while (done := work.population.step) < stop:
            began = time.perf_counter()
            part = work.table[done : min(done + block, stop)]
            work.losses.append(work.population.advance(part))
            elapsed = time.perf_counter() - began
            self.seconds["train"] += elapsed
            self.spent[work.action.kind] += part.size
            block = int(min(1024, max(1, len(part) * _BLOCK_SECONDS / max(elapsed, 1e-6))))
            if self.journal.due():
                self._save(work)
            try:
                self._show(work)
            except Stopped:
                self._save(work)
                raise

    def _show(self, work: _Work) -> None:
        progress = Progress(
            action=work.action,
            done=work.population.step,
            spent=sum(self.spent.values()),
            allowance=self.allowance,
            seconds=time.perf_counter() - self._began,
        )
        self.watch(progress)

    def _spent_on(self, action: Action) -> dict[str, float]:
        """Return the counters that an action moves."""
        return {"steps": self.spent[action.kind], "forwards": self.evaluation_forwards, **self.seconds}

    def _costs_since(self, action: Action) -> dict[str, float]:
        """Return what the present action has cost so far."""
        return {name: value - self._costs[name] for name, value in self._spent_on(action).items()}

    def _remember(self, action: Action, costs: Mapping[str, float]) -> None:
        """Count what was spent before this process."""
        self.spent[action.kind] += int(costs["steps"])
        self.evaluation_forwards += int(costs["forwards"])
        for name in self.seconds:
            self.seconds[name] += costs[name]
            self.remembered_seconds += costs[name]

    def _to_judge(self, population: Any, action: Action) -> Any:
        """Return what is judged: after a short training a fork whose normalisation statistics have arrived.

        A member trained for the whole length of the real run is judged as it is, as the run will be.
        """
        began = time.perf_counter()
        judged = population
        parts = normalisations(self.populations.setup(action.seed).program)
        short = action.steps < len(self.shape)
        if short and any(action.steps < _MEMORY / (part.momentum or 0.1) for part in parts):
            judged = population.take(range(population.size))
            judged.recalibrate(RECALIBRATION_BATCHES)
        self.seconds["evaluate"] += time.perf_counter() - began
        return judged

    def _judge(self, population: Any, batches: Sequence[Any] | None = None) -> dict[str, FloatArray]:
        """Return every metric on the validation data, or the loss on other batches."""
        began = time.perf_counter()
        values = dict(population.evaluate(batches))
        self._valid_batches = self._valid_batches or sum(1 for _ in self.populations.prepared.valid)
        count = self._valid_batches if batches is None else len(batches)
        self.evaluation_forwards += population.size * count
        self.seconds["evaluate"] += time.perf_counter() - began
        return values

    def _seen(self, action: Action) -> list[Any]:
        """Return some batches the action was trained on."""
        setup = self.populations.setup(action.seed, action.epoch)
        steps = action.steps if action.epoch is None else min(action.steps, action.epoch)
        return seen_batches(setup.train, action.seed, steps * setup.training.accumulate)


def geometric(low: float, high: float, steps: int) -> FloatArray:
    """Return rates that grow by the same factor each step, from `low` to `high`, shape (steps,)."""
    return np.geomspace(low, high, steps)
