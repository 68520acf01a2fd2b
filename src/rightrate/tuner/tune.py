"""Search that hands back the trained model."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.finder.interrupt import Interrupt
from rightrate.finder.result import as_options
from rightrate.finder.trace import untouched
from rightrate.population.calibrate import Engine
from rightrate.population.prepare import Prepared, device_of, prepare
from rightrate.schedules import Schedule, Shape
from rightrate.schedules.resolve import from_text, is_text
from rightrate.search.bayes import Bayes
from rightrate.search.driver import Progress
from rightrate.search.grid import Grid
from rightrate.search.halving import Halving
from rightrate.search.pbt import Pbt
from rightrate.search.rounds import RoundStrategy
from rightrate.search.tune_record import TuneRecord
from rightrate.store import Study, open_study
from rightrate.store.fingerprint import fingerprint
from rightrate.store.frozen import to_plain
from rightrate.tasks.loaders import shut_down_workers
from rightrate.tasks.registry import load
from rightrate.tasks.task import Objective, Task
from rightrate.tuner.question import Question
from rightrate.tuner.result import TuneResult
from rightrate.tuner.session import Session

__all__ = ["METHODS", "tune"]

METHODS: Mapping[str, Callable[[], RoundStrategy]] = {
    "grid": Grid,
    "halving": Halving,
    "pbt": Pbt,
    "bayes": Bayes,
}
_DEFAULT_EPOCHS = 10


def tune(
    task: Task | str,
    method: str | RoundStrategy = "halving",
    *,
    optimizer: Any = None,
    optimizer_options: Mapping[str, Any] | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Shape = "constant",
    low: float | None = None,
    high: float | None = None,
    objective: Any = None,
    seed: int = 0,
    engine: Engine = "auto",
    store: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    progress: Callable[[Progress], None] | None = None,
    say: Callable[[str], object] | None = None,
) -> TuneResult:
    """Search for the best learning rate, or the best rates over time, and return the trained winner.

    Members are trained side by side on the same batches. Ctrl-C once finishes the step and returns what is
    known; twice stops at once. Nothing that is passed in is changed.

    Args:
        task: A `Task`, or the name of a built-in one such as "digits".
        method: "grid" (every rate for the whole length), "halving" (the best go on), "pbt" (rates that change
            as the population trains), "bayes" (Optuna proposes the rates); or one of these with settings of
            its own, such as `Pbt(members=16)`.
        optimizer: A name of the catalogue, a class, a factory or an instance; the task's own if None.
        optimizer_options: More arguments of a name or a class, such as `{"momentum": 0.9}`.
        steps: Length of a run in optimizer steps; a Schedule's own, or the task's, where it is left out.
        epochs: The same in passes over the training data.
        schedule: A name, a text or a `Schedule` with peak 1: the rates of a member are its rate times it.
        low: Lowest rate of the range, > 0; the optimizer's own if None.
        high: Highest rate of the range, > low; the optimizer's own if None.
        objective: "loss", or a metric with its direction, such as "accuracy:max"; the task's own if None.
        seed: Of weights (if a function builds the model), batches, draws and decisions.
        engine: "auto", "serial" or "stacked".
        store: A file in which nothing is lost: the same call goes on where the last one stopped, and a
            finished one is answered from it. None remembers nothing.
        fresh: Begin anew, whatever the store holds.
        progress: Called about once a second with where the search is.
        say: Called with each sentence about the store; None writes them to stderr.

    Returns:
        The result: `lr`, `schedule`, `score`, `model` and more; its `status` says how far it can be trusted.

    Raises:
        ConfigError: If an argument is not allowed.
        TaskError: If there is no such task.
        DataError: If the data cannot be used.
        ModelError: If the model cannot be trained as it is.
        EngineError: If `engine="stacked"` cannot train this model.
        HeldError: If another process works on the same study of the store.
        StoreError: If the store cannot be used.
        MissingExtraError: If "bayes" is asked for and Optuna is not installed.

    Example:
        >>> import rightrate as rr
        >>> result = rr.tune("wine", method="halving", steps=60, low=1e-4, high=1.0, engine="serial")
        >>> result.winner.step
        60
    """
    asked = _task(task, objective)
    strategy = _strategy(method)
    _check.integer("tune(seed=...)", seed, low=0)
    _check.choice("tune(engine=...)", engine, ("auto", "serial", "stacked"))
    options = as_options(optimizer_options)
    if isinstance(schedule, str) and is_text(schedule):
        schedule = from_text("tune(schedule=...)", schedule)
    chosen = optimizer if optimizer is not None else asked.info.optimizer
    data = [item for item in (asked.train, asked.valid) if item is not None]
    try:
        with untouched(model=asked.model, data=data, optimizer=chosen, device=str(device_of(asked))):
            prepared = prepare(asked, chosen, options=options)
            length, remark = _length(prepared, steps, epochs, schedule)
            question = Question(
                strategy=strategy,
                steps=length,
                schedule=schedule,
                seed=seed,
                engine=engine,
                **_range(prepared, low, high),
            )
            notes = (*remark, *asked.info.notes, *prepared.notes)
            with open_study(
                store,
                kind="tune",
                name=asked.info.name,
                settings=question.to_dict(asked),
                fingerprint={} if store is None else _fingerprint(prepared, question),
                fresh=fresh,
                say=say,
            ) as study:
                session = Session(prepared, question, study.journal, progress)
                with Interrupt(session.announce) as interrupt:
                    record, winner = session.run(interrupt, notes)
                record = _stored(study, record)
    finally:
        shut_down_workers()
    return TuneResult(record=record, trained=winner)


def _fingerprint(prepared: Prepared, question: Question) -> dict[str, str]:
    return fingerprint(prepared, question.seed, {"method": question.strategy, "schedule": question.schedule})


def _stored(study: Study, record: TuneRecord) -> TuneRecord:
    """Store a finished record; one that was stored before has the time it took then."""
    if study.record is not None:
        then = replace(record.cost, seconds=study.record["cost"]["seconds"])
        return replace(record, cost=then.answered())
    if record.answer.status != "interrupted":
        study.finish(to_plain(record))
    return record


def _task(task: Any, objective: Any) -> Task:
    if not isinstance(task, (str, Task)):
        allowed = "a Task or the name of a built-in one"
        raise ConfigError(describe("tune(task)", allowed, task, "Wrap the model and its data: rr.Task(...)."))
    found: Task = load(task) if isinstance(task, str) else task
    return found if objective is None else replace(found, objective=Objective.parse(objective))


def _strategy(method: Any) -> RoundStrategy:
    if isinstance(method, str):
        return METHODS[_check.choice("tune(method=...)", method, tuple(METHODS))]()
    if not callable(getattr(method, "decide", None)):
        allowed = f"one of {', '.join(map(repr, METHODS))}, or a strategy such as Pbt(members=16)"
        raise ConfigError(describe("tune(method=...)", allowed, method))
    strategy: RoundStrategy = method
    return strategy


def _range(prepared: Prepared, low: float | None, high: float | None) -> dict[str, float]:
    """Return the ends of the range: those given, else the optimizer's own."""
    own = prepared.spec.search_range
    lowest = own[0] if low is None else _check.number("tune(low=...)", low, above=0.0)
    highest = own[1] if high is None else _check.number("tune(high=...)", high, above=0.0)
    if lowest >= highest:
        raise ConfigError(describe("tune(high=...)", f"greater than low={lowest:g}", highest))
    return {"low": lowest, "high": highest}


def _length(
    prepared: Prepared, steps: int | None, epochs: float | None, schedule: str | Shape
) -> tuple[int, tuple[str, ...]]:
    """Return the length of a run in steps, and what to say about it."""
    if steps is not None and epochs is not None:
        raise ConfigError(describe("tune(steps=..., epochs=...)", "given as one of the two", (steps, epochs)))
    said: tuple[str, ...] = ()
    if steps is not None:
        length = _check.integer("tune(steps=...)", steps, low=1, advice="Count optimizer steps.")
    elif epochs is None and isinstance(schedule, Schedule):
        length = schedule.total_steps
    elif epochs is None and prepared.task.info.steps is not None:
        length = prepared.task.info.steps
        said = (f"The run's length is the task's own, {length} steps.",)
    else:
        wanted = _DEFAULT_EPOCHS if epochs is None else _check.number("tune(epochs=...)", epochs, above=0.0)
        if prepared.steps_per_epoch is None:
            advice = "The training data do not say how many batches an epoch has."
            raise ConfigError(describe("tune(steps=...)", "given", None, advice))
        length = max(1, round(wanted * prepared.steps_per_epoch))
        if epochs is None:
            said = (f"Neither steps nor epochs were given: {wanted} epochs, {length} steps, were assumed.",)
    if isinstance(schedule, Schedule) and schedule.total_steps != length:
        allowed = f"a schedule of {length} steps, as the run has"
        raise ConfigError(describe("tune(schedule=...)", allowed, schedule))
    return length, said
