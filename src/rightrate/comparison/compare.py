"""Optimizers, schedules and learning rates side by side."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from torch import nn

from rightrate import _check
from rightrate.comparison.asked import FoundTimes, lrs_of, named_schedules, seeds_of
from rightrate.comparison.question import Question
from rightrate.comparison.result import Comparison
from rightrate.comparison.session import Session
from rightrate.errors import ConfigError, describe
from rightrate.finder.interrupt import Interrupt
from rightrate.finder.trace import untouched
from rightrate.population.calibrate import Engine
from rightrate.population.prepare import Prepared, device_of, prepare
from rightrate.schedules import Schedule, Shape
from rightrate.schedules.resolve import from_text, is_text
from rightrate.search.compare_record import CompareRecord
from rightrate.search.driver import Progress
from rightrate.store import Study, open_study
from rightrate.store.fingerprint import fingerprint
from rightrate.store.frozen import from_plain, to_plain
from rightrate.tasks.loaders import shut_down_workers
from rightrate.tasks.registry import load
from rightrate.tasks.task import Objective, Task

__all__ = ["compare"]

_DEFAULT_EPOCHS = 10


def compare(
    task: Task | str,
    optimizers: Any = None,
    *,
    lrs: Any = ("find/3", "find", "find*3"),
    schedules: str | Shape | Sequence[str | Shape] | Mapping[str, str | Shape] = ("constant",),
    seeds: int | Sequence[int] = 3,
    steps: int | None = None,
    epochs: float | None = None,
    objective: Any = None,
    target: float | None = None,
    tolerance: float = 0.02,
    engine: Engine = "auto",
    store: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    say: Callable[[str], object] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Train every optimizer at every rate under every schedule with every seed, and say what differs.

    Every combination is trained for the full length. Runs of one seed see the same batches in the same order
    and start from the same weights; the rates of one optimizer are trained side by side. Nothing that is
    passed in is changed. Ctrl-C once finishes the step and returns what is known; twice stops at once.

    Args:
        task: A `Task`, or the name of a built-in one such as "digits".
        optimizers: Names of the catalogue, classes, paths such as "pytorch_optimizer.Lion", factories, or one
            of these; the task's own if None.
        lrs: Rates, "find" (what `find` recommends for the optimizer under the schedule), multiples of that
            such as "find/3" and "find*3", or several of these.
        schedules: Names such as "cosine", texts, Schedules with peak 1, functions of the step, or one; a
            mapping gives them names of your own.
        seeds: How many (0, 1, …), or which ones.
        steps: Length of every run in optimizer steps; a Schedule's own, or the task's, where it is left out.
        epochs: The same in passes over the training data.
        objective: "loss", or a metric with its direction, such as "accuracy:max"; the task's own if None.
        target: The objective the time to which is measured; if None that at a regret of a tenth.
        tolerance: The largest regret of a good rate, in (0, 0.5].
        engine: "auto", "serial" or "stacked".
        store: A file in which nothing is lost: the same call goes on where the last one stopped, and a
            finished one is answered from it. None remembers nothing.
        fresh: Begin anew, whatever the store holds.
        say: Called with each sentence about the store; None writes them to stderr.
        progress: Called about once a second with where it is.

    Returns:
        The comparison; its `status` says how far it can be trusted.

    Raises:
        ConfigError: If an argument is not allowed.
        TaskError: If there is no such task.
        DataError: If the data cannot be used.
        ModelError: If the model cannot be trained as it is.
        EngineError: If `engine="stacked"` cannot train this model.
        HeldError: If another process works on the same study of the store.
        StoreError: If the store cannot be used.

    Example:
        >>> import rightrate as rr
        >>> result = rr.compare(
        ...     "wine", ["sgd", "adam"], lrs=[0.1, 0.001], seeds=2, steps=60, engine="serial"
        ... )
        >>> len(result.trials), result.status
        (8, 'found')
    """
    asked = _task(task, objective)
    tolerance = _check.number("compare(tolerance=...)", tolerance, above=0.0, high=0.5)
    target = None if target is None else _check.number("compare(target=...)", target)
    _check.choice("compare(engine=...)", engine, ("auto", "serial", "stacked"))
    chosen, rates, numbers = _optimizers(asked, optimizers), lrs_of(lrs), seeds_of(seeds)
    data = [item for item in (asked.train, asked.valid) if item is not None]
    try:
        with untouched(model=asked.model, data=data, device=str(device_of(asked))):
            prepared = _labelled([prepare(asked, item) for item in chosen])
            first = next(iter(prepared.values()))
            length, remark = _length(first, steps, epochs, schedules)
            question = Question(
                steps=length,
                schedules=named_schedules(schedules, length),
                lrs=rates,
                seeds=numbers,
                tolerance=tolerance,
                target=target,
                engine=engine,
            )
            notes = (*remark, *asked.info.notes, *first.notes, *_same_weights(asked, numbers))
            with open_study(
                store,
                kind="compare",
                name=asked.info.name,
                settings=_settings(asked, question, prepared),
                fingerprint={} if store is None else _fingerprint(prepared, question),
                fresh=fresh,
                say=say,
            ) as study:
                record = _answered(study, prepared, question, notes, progress)
    finally:
        shut_down_workers()
    return Comparison(record=record)


def _answered(
    study: Study,
    prepared: Mapping[str, Prepared],
    question: Question,
    notes: Sequence[str],
    progress: Callable[[Progress], None] | None,
) -> CompareRecord:
    """Return what the study came to; where it is not finished, go on with it."""
    if study.record is not None:
        record = from_plain(CompareRecord, study.record)
        return replace(record, cost=record.cost.answered())
    session = Session(optimizers=prepared, question=question, journal=study.journal, progress=progress)
    with Interrupt(session.announce) as interrupt:
        record = session.run(interrupt, notes)
    if record.answer.status != "interrupted":
        study.finish(to_plain(record))
    return record


def _settings(task: Task, question: Question, prepared: Mapping[str, Prepared]) -> dict[str, Any]:
    """Return what is asked, as plain data for people."""
    device = str(next(iter(prepared.values())).device)
    return {
        "optimizers": list(prepared),
        "schedules": list(question.schedules),
        "lrs": [str(lr) if isinstance(lr, FoundTimes) else lr for lr in question.lrs],
        "seeds": list(question.seeds),
        "steps": question.steps,
        "tolerance": question.tolerance,
        "target": question.target,
        "engine": question.engine,
        "objective": f"{task.objective.name}:{task.objective.direction}",
        "training": {**asdict(task.training), "device": device},
    }


def _fingerprint(prepared: Mapping[str, Prepared], question: Question) -> dict[str, str]:
    """Return a digest of each part of what it is asked about: all of one optimizer's, and the other ones."""
    seed = question.seeds[0]
    told = {name: shape for name, shape in question.schedules.items() if isinstance(shape, str | Schedule)}
    own = {name: shape for name, shape in question.schedules.items() if name not in told}
    parts = fingerprint(next(iter(prepared.values())), seed, {"schedules": own} if own else {})
    del parts["optimizer"]
    optimizers = {
        f"optimizer {label}": fingerprint(item, seed, {})["optimizer"] for label, item in prepared.items()
    }
    return {**parts, **optimizers}


def _task(task: Any, objective: Any) -> Task:
    if not isinstance(task, (str, Task)):
        allowed = "a Task or the name of a built-in one"
        raise ConfigError(
            describe("compare(task)", allowed, task, "Wrap the model and its data: rr.Task(...).")
        )
    found: Task = load(task) if isinstance(task, str) else task
    return found if objective is None else replace(found, objective=Objective.parse(objective))


def _optimizers(task: Task, optimizers: Any) -> list[Any]:
    if optimizers is None:
        return [task.info.optimizer]
    if isinstance(optimizers, str) or not isinstance(optimizers, Sequence):
        return [optimizers]
    if not optimizers:
        raise ConfigError(describe("compare(optimizers=...)", "at least one optimizer", optimizers))
    return list(optimizers)


def _labelled(prepared: Sequence[Prepared]) -> dict[str, Prepared]:
    """Return the optimizers by label; a label that comes again gets a number."""
    found: dict[str, Prepared] = {}
    for item in prepared:
        label, number = item.spec.label, 1
        while label in found:
            number += 1
            label = f"{item.spec.label} ({number})"
        found[label] = item
    return found


def _same_weights(task: Task, seeds: Sequence[int]) -> tuple[str, ...]:
    if not isinstance(task.model, nn.Module) or len(seeds) == 1:
        return ()
    said = "Every seed starts from the weights of the model that was given; a function that builds it"
    return (f"{said} would draw them anew.",)


def _length(
    prepared: Prepared, steps: int | None, epochs: float | None, schedules: Any
) -> tuple[int, tuple[str, ...]]:
    """Return the length of the runs in steps, and what to say about it."""
    if steps is not None and epochs is not None:
        raise ConfigError(
            describe("compare(steps=..., epochs=...)", "given as one of the two", (steps, epochs))
        )
    if steps is not None:
        return _check.integer("compare(steps=...)", steps, low=1, advice="Count optimizer steps."), ()
    own = _own_length(schedules)
    if epochs is None and own is not None:
        return own, ()
    if epochs is None and prepared.task.info.steps is not None:
        return prepared.task.info.steps, (
            f"The run's length is the task's own, {prepared.task.info.steps} steps.",
        )
    wanted = _DEFAULT_EPOCHS if epochs is None else _check.number("compare(epochs=...)", epochs, above=0.0)
    if prepared.steps_per_epoch is None:
        advice = "The training data do not say how many batches an epoch has."
        raise ConfigError(describe("compare(steps=...)", "given", None, advice))
    length = max(1, round(wanted * prepared.steps_per_epoch))
    said = f"Neither steps nor epochs were given: {wanted} epochs, {length} steps, were assumed."
    return length, () if epochs is not None else (said,)


def _own_length(schedules: Any) -> int | None:
    """Return the length of the first schedule that has one."""
    one = isinstance(schedules, str) or not isinstance(schedules, (Sequence, Mapping))
    items = [schedules] if one else list(schedules.values() if isinstance(schedules, Mapping) else schedules)
    for item in items:
        shape = from_text("compare(schedules=...)", item) if isinstance(item, str) and is_text(item) else item
        if isinstance(shape, Schedule):
            return shape.total_steps
    return None
