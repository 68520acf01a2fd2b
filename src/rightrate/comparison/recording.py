"""From what a comparison did to the record of what was concluded."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import torch

from rightrate.comparison.analysis import analysed
from rightrate.comparison.asked import FoundTimes
from rightrate.comparison.conclude import conclude
from rightrate.comparison.question import Question
from rightrate.comparison.training import Piece, Trained
from rightrate.population.calibrate import Calibration
from rightrate.population.prepare import Prepared
from rightrate.population.verdict import Verdict
from rightrate.search.compare_record import (
    CompareRecord,
    CompareSettings,
    CompareTrial,
    Found,
    OptimizerFacts,
)
from rightrate.search.levels import Untrained
from rightrate.search.record import Cost, Provenance, Settings, in_all

__all__ = ["Done", "engine_text", "recorded"]


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a comparison did.

    Args:
        optimizers: By label: the task with each of them.
        question: What was asked.
        planned: Runs that were planned in all.
        found: What `find` answered, contender by contender.
        engines: By label, how its members were trained, as far as it came to that.
        states: By label, bytes of optimizer state for each parameter, and parameters.
        trained: What each piece that is finished came to.
    """

    optimizers: Mapping[str, Prepared]
    question: Question
    planned: int
    found: tuple[Found, ...]
    engines: Mapping[str, Calibration]
    states: Mapping[str, tuple[float | None, int]]
    trained: Sequence[tuple[Piece, Trained]]


def recorded(
    done: Done, untrained: Untrained, notes: Sequence[str], *, interrupted: bool, seconds: float
) -> CompareRecord:
    """Return what was done, what it says and what it cost.

    Args:
        done: What was done.
        untrained: The level of having learned nothing.
        notes: Sentences that readers need.
        interrupted: Whether it was stopped before its end.
        seconds: Wall time of this session.
    """
    prepared = next(iter(done.optimizers.values()))
    facts = tuple(_facts(done, label) for label in done.optimizers if label in done.engines)
    trials, seeds = _judged(done, interrupted)
    analysis = analysed(
        trials,
        objective=prepared.task.objective,
        untrained=untrained.metrics,
        tolerance=done.question.tolerance,
        target=done.question.target,
        step_seconds={item.optimizer: item.step_seconds for item in facts},
    )
    settings = _settings(done, notes, seeds)
    answer = conclude(settings, analysis, interrupted=interrupted, planned=len(done.question.seeds))
    return CompareRecord(
        settings=settings,
        answer=answer,
        trials=trials,
        analysis=analysis,
        facts=facts,
        cost=_cost(done, seconds),
        provenance=_provenance(done),
    )


def _judged(done: Done, interrupted: bool) -> tuple[tuple[CompareTrial, ...], tuple[int, ...]]:
    """Return the trials that are compared with their seeds: whole seeds, where one is whole."""
    seeds = done.question.seeds
    if interrupted:
        count = {seed: sum(piece.seed == seed for piece, _ in done.trained) for seed in seeds}
        most = max(count.values())
        seeds = tuple(seed for seed in seeds if count[seed] == most > 0)
    trials = [trial for piece, result in done.trained for trial in result.trials if piece.seed in seeds]
    return tuple(trials), seeds


def _facts(done: Done, label: str) -> OptimizerFacts:
    own = [(piece, result) for piece, result in done.trained if piece.contender.optimizer == label]
    steps = sum(piece.steps * len(piece.lrs) for piece, _ in own)
    verdict = done.engines[label].verdict
    state_bytes, parameters = done.states[label]
    return OptimizerFacts(
        optimizer=label,
        step_seconds=sum(result.train_seconds for _, result in own) / steps if steps else None,
        state_bytes=state_bytes,
        parameters=parameters,
        engine=verdict.sentence(),
        verdict=verdict.to_dict(),
    )


def _settings(done: Done, notes: Sequence[str], seeds: tuple[int, ...]) -> CompareSettings:
    prepared = next(iter(done.optimizers.values()))
    question, info, objective = done.question, prepared.task.info, prepared.task.objective
    held = ("A fifth of the training data was held out for validation.",) if prepared.held_out else ()
    return CompareSettings(
        run=Settings(
            task=info.name,
            description=info.description,
            optimizer=", ".join(done.optimizers),
            schedule=", ".join(question.schedules),
            steps=question.steps,
            budget=float(done.planned + len(done.found)),
            objective=objective.name,
            direction=objective.direction,
            notes=(*held, *notes),
        ),
        optimizers=tuple(done.optimizers),
        schedules=tuple(question.schedules),
        lrs=tuple(str(lr) if isinstance(lr, FoundTimes) else f"{lr:g}" for lr in question.lrs),
        seeds=seeds,
        tolerance=question.tolerance,
        found=done.found,
    )


def _cost(done: Done, seconds: float) -> Cost:
    steps = {
        "find": sum(found.steps for found in done.found),
        "train": sum(piece.steps * len(piece.lrs) for piece, _ in done.trained),
    }
    parts = {
        "find": sum(found.seconds for found in done.found),
        "check": sum(made.seconds for made in done.engines.values()),
        "train": sum(result.train_seconds for _, result in done.trained),
        "evaluate": sum(result.judge_seconds for _, result in done.trained),
    }
    return Cost(
        steps=steps,
        run_equivalents=sum(steps.values()) / done.question.steps,
        overhead_steps=sum(made.member_steps for made in done.engines.values()),
        evaluation_forwards=sum(result.forwards for _, result in done.trained),
        seconds=in_all(parts, seconds),
    )


def _provenance(done: Done) -> Provenance:
    prepared = next(iter(done.optimizers.values()))
    verdicts = {label: made.verdict for label, made in done.engines.items()}
    return Provenance(
        versions={
            "rightrate": version("rightrate"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        seed=done.question.seeds[0],
        device=str(prepared.device),
        threads=max((verdict.threads for verdict in verdicts.values()), default=torch.get_num_threads()),
        engine=engine_text(verdicts),
        verdict={label: verdict.to_dict() for label, verdict in verdicts.items()},
    )


def engine_text(verdicts: Mapping[str, Verdict]) -> str:
    """Return how members were trained, and whose, where that differs between optimizers."""
    owners: dict[str, list[str]] = {}
    for label, verdict in verdicts.items():
        owners.setdefault(verdict.sentence(), []).append(label)
    if len(owners) < 2:
        return next(iter(owners), "not decided")
    return "; ".join(f"{', '.join(labels)}: {sentence}" for sentence, labels in owners.items())
