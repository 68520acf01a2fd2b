"""The main job: find the learning rate of a real model."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import nn

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.finder.interrupt import Interrupt
from rightrate.finder.result import Result, as_options
from rightrate.finder.session import Question, Session
from rightrate.finder.trace import untouched
from rightrate.population.calibrate import Engine
from rightrate.population.prepare import Prepared, device_of, prepare
from rightrate.schedules import Schedule, Shape
from rightrate.schedules.resolve import from_text, is_text
from rightrate.search.driver import Progress
from rightrate.search.probe import Probe
from rightrate.search.record import Record
from rightrate.search.strategy import Strategy
from rightrate.store import Study, open_study
from rightrate.store.frozen import from_plain, to_plain
from rightrate.tasks.adapted import Asked, adapted
from rightrate.tasks.loaders import shut_down_workers
from rightrate.tasks.registry import load
from rightrate.tasks.task import Objective, Task, TaskInfo, Training

__all__ = ["find"]

_DEFAULT_EPOCHS = 10


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
    schedule: str | Shape | None = None,
    budget: float = 1.0,
    seed: int = 0,
    tolerance: float = 0.02,
    engine: Engine = "auto",
    strategy: Strategy | None = None,
    progress: Callable[[Progress], None] | None = None,
    store: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    say: Callable[[str], object] | None = None,
) -> Result:
    """Find the learning rate for a model, its data, its optimizer and its schedule.

    Many rates are trained side by side on the same batches, under the run's own schedule compressed to the
    length of a probe, and the hopeless ones are dropped early. Nothing that is passed in is changed. Ctrl-C
    once finishes the step and returns what is known; twice stops at once.

    Args:
        model: A `torch.nn.Module` (its present weights are the start), a function that builds one, a `Task`,
            or the name of a built-in task such as "digits". Also a LightningModule, a Hugging Face Trainer, a
            compiled Keras model, a skorch net, or an estimator of scikit-learn that has a learning rate.
        train: A DataLoader, a map-style dataset, or a tuple of tensors or arrays; nothing for a task. A
            LightningDataModule beside a LightningModule; nothing beside a Trainer.
        valid: Likewise; None holds out a fifth of `train`.
        loss: `f(output, target) -> scalar` for batches `(input, target)`.
        step: `f(model, batch) -> scalar` for anything else.
        metrics: Name to `f(outputs, targets) -> float` over the whole validation set.
        objective: "loss", or a metric with its direction, such as "accuracy:max".
        training: Batch size, accumulation, clipping, precision, device.
        batch_size: Short for `training=Training(batch_size=...)`.
        optimizer: A name of the catalogue, a torch class or its path (`"pytorch_optimizer.Lion"`), a factory
            `f(params)` or `f(module)`, or an instance bound to the model, which is read and never stepped.
            The task's own, or "adamw", if None.
        optimizer_options: More arguments of a name or a class, such as `{"momentum": 0.9}`.
        steps: Length of the real run in optimizer steps; a Schedule's own where it is left out.
        epochs: The same in passes over the training data; 10 if neither is given.
        schedule: The schedule of the object of another framework, or "constant", if None. A name such as
            "constant", "linear" (to zero) or "cosine"; a text such as
            "warmup(200) + cosine(1800)" or a Schedule, either with peak 1; or a function of the step.
        budget: What may be spent, in run equivalents: 1.0 is one training run's worth of steps.
        seed: Of weights (if a function builds the model), batches and random draws.
        tolerance: Regret that each rate of the good range most likely (six to one) ends within, in (0, 1).
            The answer's own `tolerance` is what they are expected to end within in 19 of 20 cases, so it is
            larger where the trials leave more open.
        engine: "auto", "serial" or "stacked".
        strategy: What decides which rates are tried for how long; the default refines in rungs.
        progress: Called about once a second with where the search is.
        store: A file such as "runs.db" that remembers the search while it goes on, made where there is none:
            the same question goes on where it stopped, however it stopped, and a finished one is not asked
            again.
        fresh: Start anew, whatever the store remembers.
        say: Called with each sentence about the store; None writes them to stderr.

    Returns:
        The result; its `status` says how far it can be trusted.

    Raises:
        ConfigError: If an argument is not allowed.
        DataError: If the data cannot be used.
        ModelError: If the model cannot be trained as it is.
        EngineError: If `engine="stacked"` cannot train this model.
        StoreError: If the store cannot be used; a HeldError if another process asks it the same now.

    Example:
        >>> import rightrate as rr
        >>> result = rr.find("wine", steps=300, engine="serial")
        >>> result.low <= result.lr <= result.high
        True
    """
    model, train, valid, schedule = adapted(
        Asked(
            model=model,
            train=train,
            valid=valid,
            schedule=schedule,
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
        )
    )
    task = _task(model, train, valid, loss, step, metrics, objective, training, batch_size)
    budget = _check.number("find(budget=...)", budget, above=0.0)
    _check.number("find(tolerance=...)", tolerance, above=0.0, high=0.5)
    _check.integer("find(seed=...)", seed, low=0)
    _check.choice("find(engine=...)", engine, ("auto", "serial", "stacked"))
    options = as_options(optimizer_options)
    if isinstance(schedule, str) and is_text(schedule):
        schedule = from_text("find(schedule=...)", schedule)
    chosen = optimizer if optimizer is not None else task.info.optimizer
    data = [item for item in (task.train, task.valid) if item is not None]
    with (
        untouched(model=task.model, data=data, optimizer=chosen, device=str(device_of(task))),
        _workers_end(),
    ):
        prepared = prepare(task, chosen, options=options)
        length, remark = _length(prepared, steps, epochs, schedule)
        question = Question(
            steps=length,
            schedule=schedule,
            budget=budget,
            seed=seed,
            tolerance=tolerance,
            engine=engine,
            strategy=strategy or Probe(),
        )
        session = Session(prepared, question, progress)
        with open_study(
            store,
            kind="find",
            name=task.info.name,
            settings=session.settings,
            fingerprint=session.fingerprint() if store is not None else {},
            fresh=fresh,
            say=say,
        ) as study:
            record = _answered(session, study, (*remark, *task.info.notes, *prepared.notes))
    return Result(record=record, spec=prepared.spec, shape=session.shape)


def _answered(session: Session, study: Study, notes: Sequence[str]) -> Record:
    """Return what the study came to; where it is not finished, search on."""
    if study.record is not None:
        return from_plain(Record, study.record)
    with Interrupt(session.announce) as interrupt:
        record = session.run(interrupt, notes, study.journal)
    if record.answer.status != "interrupted":
        study.finish(to_plain(record))
    return record


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


def _length(
    prepared: Prepared, steps: int | None, epochs: float | None, schedule: str | Shape
) -> tuple[int, tuple[str, ...]]:
    """Return the length of the real run in steps, and what to say about it."""
    if steps is not None and epochs is not None:
        raise ConfigError(describe("find(steps=..., epochs=...)", "given as one of the two", (steps, epochs)))
    if steps is not None:
        _check.integer("find(steps=...)", steps, low=1, advice="Count optimizer steps.")
    if isinstance(schedule, Schedule):
        if steps not in (None, schedule.total_steps):
            allowed = f"a schedule of {steps} steps, as steps= says"
            raise ConfigError(describe("find(schedule=...)", allowed, schedule))
        if epochs is None:
            return schedule.total_steps, ()
    if steps is not None:
        return steps, ()
    own = prepared.task.info.steps
    if epochs is None and own is not None:
        return own, (f"The run's length is the task's own, {own} steps.",)
    wanted = _DEFAULT_EPOCHS if epochs is None else _check.number("find(epochs=...)", epochs, above=0.0)
    per_epoch = prepared.steps_per_epoch
    if per_epoch is None:
        advice = "The training data do not say how many batches an epoch has."
        raise ConfigError(describe("find(steps=...)", "given", None, advice))
    length = max(1, round(wanted * per_epoch))
    if isinstance(schedule, Schedule) and schedule.total_steps != length:
        allowed = f"a schedule of {length} steps, as epochs= says"
        raise ConfigError(describe("find(schedule=...)", allowed, schedule))
    said = f"Neither steps nor epochs were given: {_DEFAULT_EPOCHS} epochs, {length} steps, were assumed."
    return length, () if epochs is not None else (said,)
