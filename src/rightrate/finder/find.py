"""The main job: find the learning rate of a real model."""

import math
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.finder.interrupt import Interrupt
from rightrate.finder.result import Result, as_options
from rightrate.finder.trace import untouched
from rightrate.population.calibrate import Calibration, Engine, calibrate
from rightrate.population.factory import Populations
from rightrate.population.prepare import Prepared, device_of, prepare
from rightrate.schedules import FloatArray, Schedule, Shape, resolve, shape_values
from rightrate.search.compress import warmup_of
from rightrate.search.driver import Driver, Progress, Stopped
from rightrate.search.levels import untrained_metrics
from rightrate.search.probe import Probe, plan
from rightrate.search.range_test import RangeTest
from rightrate.search.recommend import Context, recommend
from rightrate.search.record import Answer, Cost, Fit, Levels, Provenance, Record, Settings, Trial
from rightrate.search.space import Action, Observation, Space
from rightrate.search.strategy import Strategy
from rightrate.tasks.loaders import shut_down_workers
from rightrate.tasks.registry import load
from rightrate.tasks.task import Objective, Task, TaskInfo, Training

__all__ = ["find"]

_DEFAULT_EPOCHS = 10
_FRACTION_OF_PEAK = 0.1
_CONFIRMS_FROM = 2.0


def find(
    model: Any,
    train: Any = None,
    valid: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    step: Callable[[Any, Any], Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    objective: Any = None,
    training: Training | None = None,
    batch_size: int | None = None,
    optimizer: Any = None,
    optimizer_options: Mapping[str, Any] | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Shape = "constant",
    budget: float = 1.0,
    seed: int = 0,
    tolerance: float = 0.02,
    engine: Engine = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Find the learning rate for a model, its data, its optimizer and its schedule.

    Many rates are trained side by side on the same batches, under the run's own schedule compressed to the
    length of a probe, and the hopeless ones are dropped early. Nothing that is passed in is changed. Ctrl-C
    once finishes the step and returns what is known; twice stops at once.

    Args:
        model: A `torch.nn.Module` (its present weights are the start), a function that builds one, a `Task`,
            or the name of a built-in task such as "digits".
        train: A DataLoader, a map-style dataset, or a tuple of tensors or arrays; nothing for a task.
        valid: Likewise; None holds out a fifth of `train`.
        loss: `f(output, target) -> scalar` for batches `(input, target)`.
        step: `f(model, batch) -> scalar` for anything else.
        metrics: Name to `f(outputs, targets) -> float` over the whole validation set.
        objective: "loss", or a metric with its direction, such as "accuracy:max".
        training: Batch size, accumulation, clipping, precision, device.
        batch_size: Short for `training=Training(batch_size=...)`.
        optimizer: A name of the catalogue, a torch class, a factory `f(params)` or `f(module)`, or an
            instance bound to the model, which is read and never stepped. "adamw" if None.
        optimizer_options: More arguments of a named optimizer, such as `{"momentum": 0.9}`.
        steps: Length of the real run in optimizer steps.
        epochs: The same in passes over the training data; 10 if neither is given.
        schedule: "constant", "linear" (to zero), "cosine", a Schedule with peak 1, or a function of the step.
        budget: What may be spent, in run equivalents: 1.0 is one training run's worth of steps.
        seed: Of weights (if a function builds the model), batches and random draws.
        tolerance: Expected regret allowed within the good range, in (0, 1).
        engine: "auto", "serial" or "stacked".
        progress: Called about once a second with where the search is.

    Returns:
        The result; its `status` says how far it can be trusted.

    Raises:
        ConfigError: If an argument is not allowed.
        DataError: If the data cannot be used.
        ModelError: If the model cannot be trained as it is.
        EngineError: If `engine="stacked"` cannot train this model.

    Example:
        >>> import rightrate as rr
        >>> result = rr.find("wine", steps=300, engine="serial")
        >>> result.low <= result.lr <= result.high
        True
    """
    task = _task(model, train, valid, loss, step, metrics, objective, training, batch_size)
    budget = _check.number("find(budget=...)", budget, above=0.0)
    _check.number("find(tolerance=...)", tolerance, above=0.0, high=0.5)
    _check.integer("find(seed=...)", seed, low=0)
    _check.choice("find(engine=...)", engine, ("auto", "serial", "stacked"))
    options = as_options(optimizer_options)
    chosen = optimizer if optimizer is not None else task.info.optimizer
    data = [item for item in (task.train, task.valid) if item is not None]
    with (
        untouched(model=task.model, data=data, optimizer=chosen, device=str(device_of(task))),
        _workers_end(),
    ):
        prepared = prepare(task, chosen, options=options)
        length, remark = _length(prepared, steps, epochs)
        search = _Search(prepared, length, schedule, budget, seed, tolerance, engine, progress)
        with Interrupt(search.announce) as interrupt:
            record = search.run(interrupt, (*remark, *task.info.notes, *prepared.notes))
    return Result(record=record, spec=prepared.spec, shape=search.shape)


@contextmanager
def _workers_end() -> Iterator[None]:
    try:
        yield
    finally:
        shut_down_workers()


def _task(
    model: Any,
    train: Any,
    valid: Any,
    loss: Any,
    step: Any,
    metrics: Mapping[str, Any] | None,
    objective: Any,
    training: Training | None,
    batch_size: int | None,
) -> Task:
    if isinstance(model, str | Task):
        given = {"train": train, "valid": valid, "loss": loss, "step": step, "metrics": metrics}
        extra = [name for name, value in given.items() if value is not None]
        if extra:
            allowed = "left out where a task is given"
            raise ConfigError(describe(f"find({extra[0]}=...)", allowed, given[extra[0]]))
        task = load(model) if isinstance(model, str) else model
        training = training or task.training
    else:
        if train is None:
            raise ConfigError(describe("find(train=...)", "training data", None))
        training = training or Training()
        task = Task(
            model=model,
            train=train,
            valid=valid,
            loss=loss,
            step=step,
            metrics=dict(metrics or {}),
            objective="loss" if objective is None else objective,
            info=TaskInfo(name=_name_of(model)),
        )
    if batch_size is not None:
        training = replace(training, batch_size=batch_size)
    wanted = task.objective if objective is None else Objective.parse(objective)
    return replace(task, training=training, objective=wanted)


def _name_of(model: Any) -> str:
    if isinstance(model, nn.Module):
        return type(model).__name__
    return str(getattr(model, "__name__", type(model).__name__))


def _length(prepared: Prepared, steps: int | None, epochs: float | None) -> tuple[int, tuple[str, ...]]:
    """Return the length of the real run in steps, and what to say about it."""
    if steps is not None and epochs is not None:
        raise ConfigError(describe("find(steps=..., epochs=...)", "given as one of the two", (steps, epochs)))
    if steps is not None:
        return _check.integer("find(steps=...)", steps, low=1, advice="Count optimizer steps."), ()
    own = prepared.task.info.steps
    if epochs is None and own is not None:
        return own, (f"The run's length is the task's own, {own} steps.",)
    wanted = _DEFAULT_EPOCHS if epochs is None else _check.number("find(epochs=...)", epochs, above=0.0)
    per_epoch = prepared.steps_per_epoch
    if per_epoch is None:
        advice = "The training data do not say how many batches an epoch has."
        raise ConfigError(describe("find(steps=...)", "given", None, advice))
    length = max(1, round(wanted * per_epoch))
    said = f"Neither steps nor epochs were given: {_DEFAULT_EPOCHS} epochs, {length} steps, were assumed."
    return length, () if epochs is not None else (said,)


class _Search:
    """One search from the first check to the record."""

    def __init__(
        self,
        prepared: Prepared,
        steps: int,
        schedule: str | Shape,
        budget: float,
        seed: int,
        tolerance: float,
        engine: Engine,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.shape = resolve(schedule, total_steps=steps)
        self._values: FloatArray = shape_values(self.shape, steps)
        self._schedule = schedule if isinstance(schedule, str) else _schedule_name(self.shape)
        self._prepared = prepared
        self._steps = steps
        self._budget = budget
        self._seed = seed
        self._tolerance = tolerance
        self._engine: Engine = engine
        self._progress = progress
        self._trials: list[Trial] = []

    def announce(self, message: str) -> None:
        """Print the one line after the first Ctrl-C, where it is in the way of no one's output."""
        print(message, file=sys.stderr, flush=True)

    def run(self, interrupt: Interrupt, notes: Sequence[str]) -> Record:
        """Check, train, judge and conclude."""
        began = time.perf_counter()
        prepared, objective = self._prepared, self._prepared.task.objective
        sign = 1 if objective.direction == "min" else -1
        setup = prepared.setup(self._seed)
        untrained = untrained_metrics(prepared, setup)
        low, high = prepared.spec.search_range
        space = Space(
            low=low,
            high=high,
            steps=self._steps,
            budget=self._budget,
            seed=self._seed,
            decays=bool(self._values[-1] < _FRACTION_OF_PEAK * self._values.max()),
            untrained=sign * untrained[objective.name],
        )
        size = round(2 * math.log10(high / low)) + 1
        calibration = calibrate(
            prepared, size=size, member_steps=space.allowance, seed=self._seed, engine=self._engine
        )
        torch.set_num_threads(calibration.verdict.threads)  # put back when the search is over
        driver = Driver(
            Populations(prepared, calibration.verdict),
            self._values,
            _watcher(interrupt, self._progress),
            allowance=space.allowance,
        )
        observations: list[Observation] = []
        interrupted = False
        try:
            self._search(driver, space, sign, observations)
        except Stopped:
            interrupted = True
        context = Context(
            plan=plan(_rest(space, driver.spent["range"])),
            schedule=self._schedule,
            warmup_steps=warmup_of(self._values),
            tolerance=self._tolerance,
            sign=sign,
            name=objective.name,
            interrupted=interrupted,
        )
        answer, fit = recommend(space, observations, context)
        answer = replace(answer, reasons=(*answer.reasons, *self._remarks(notes)))
        seconds = time.perf_counter() - began
        return self._record(answer, fit, untrained[objective.name], driver, calibration, seconds, notes)

    def _search(self, driver: Driver, space: Space, sign: int, observations: list[Observation]) -> None:
        self._play(RangeTest(), space, driver, sign, observations)
        self._play(Probe(), _rest(space, driver.spent["range"]), driver, sign, observations)
        if space.budget >= _CONFIRMS_FROM:
            self._confirm(driver, space, sign, observations)

    def _play(
        self, strategy: Strategy, space: Space, driver: Driver, sign: int, observations: list[Observation]
    ) -> None:
        """Train what a strategy asks for until it asks for nothing, and add what is observed."""
        state = strategy.start(space)
        seen: list[Observation] = []
        while True:
            actions, state = strategy.decide(state, seen)
            if not actions:
                return
            seen = []
            for action in actions:
                trials = driver.run(action)
                self._trials += trials
                if action.kind != "range":
                    seen += self._observed(trials, sign)
            observations += seen

    def _observed(self, trials: Sequence[Trial], sign: int) -> list[Observation]:
        name = self._prepared.task.objective.name
        return [_observation(trial, name, sign) for trial in trials]

    def _confirm(self, driver: Driver, space: Space, sign: int, observations: list[Observation]) -> None:
        """Train the answer for the full length, which a budget of 2 or more keeps one run for."""
        from rightrate.search.curve import expected_curve, rungs_of

        rungs = [rung for rung in rungs_of(observations, space.untrained) if not rung.failed.all()]
        if not rungs:
            return
        lr = float(f"{10 ** expected_curve(rungs, space, steps=space.steps).best():.3g}")
        action = Action(
            kind="confirm",
            rung=max(item.rung for item in observations) + 1,
            lrs=(lr,),
            steps=space.steps,
            seed=space.seed + 1,
        )
        trials = driver.run(action)
        self._trials += trials
        observations += self._observed(trials, sign)

    def _remarks(self, notes: Sequence[str]) -> tuple[str, ...]:
        held = (
            ("A fifth of the training data was held out for validation.",) if self._prepared.held_out else ()
        )
        return (*held, *notes)

    def _record(
        self,
        answer: Answer,
        fit: Fit,
        untrained: float,
        driver: Driver,
        calibration: Calibration,
        seconds: float,
        notes: Sequence[str],
    ) -> Record:
        prepared, objective = self._prepared, self._prepared.task.objective
        reached = [
            trial.metrics[objective.name]
            for trial in self._trials
            if math.isfinite(trial.metrics.get(objective.name, math.nan))
        ]
        best = (min if objective.direction == "min" else max)(reached) if reached else None
        info = prepared.task.info
        return Record(
            settings=Settings(
                task=info.name,
                description=info.description,
                optimizer=prepared.spec.label,
                schedule=self._schedule,
                steps=self._steps,
                budget=self._budget,
                objective=objective.name,
                direction=objective.direction,
                notes=tuple(notes),
            ),
            answer=answer,
            trials=tuple(self._trials),
            levels=Levels(untrained=untrained, best=best),
            fit=fit,
            cost=Cost(
                steps=dict(driver.spent),
                run_equivalents=sum(driver.spent.values()) / self._steps,
                overhead_steps=calibration.member_steps,
                evaluation_forwards=driver.evaluation_forwards,
                seconds={**driver.seconds, "check": calibration.seconds, "total": seconds},
            ),
            provenance=Provenance(
                versions={
                    "rightrate": _version(),
                    "torch": torch.__version__,
                    "python": platform.python_version(),
                },
                seed=self._seed,
                device=str(prepared.device),
                threads=calibration.verdict.threads,
                engine=calibration.verdict.sentence(),
                verdict=calibration.verdict.to_dict(),
            ),
        )


def _rest(space: Space, spent: int) -> Space:
    """Return the space with what is left for probes after `spent` member-steps.

    From a budget of 2 on, one run is kept for confirmation; probes keep it themselves while they see as much.
    """
    left = space.budget - spent / space.steps
    kept = 1.0 if space.budget >= _CONFIRMS_FROM > left else 0.0
    return replace(space, budget=left - kept)


def _version() -> str:
    from importlib.metadata import version

    return version("rightrate")


def _schedule_name(shape: Shape) -> str:
    if isinstance(shape, Schedule):
        return repr(shape)
    return str(getattr(shape, "__name__", type(shape).__name__))


def _observation(trial: Trial, name: str, sign: int) -> Observation:
    value = sign * trial.metrics.get(name, math.nan)
    return Observation(lr=trial.lr, steps=trial.steps, seed=trial.seed, rung=trial.rung, value=value)


def _watcher(interrupt: Interrupt, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    def watch(state: Progress) -> None:
        if progress is not None:
            progress(state)
        if interrupt.requested:
            raise Stopped

    return watch
