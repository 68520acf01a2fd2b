"""From what was measured to an answer: the winner, its schedule, and what can be said about them."""

import math
from collections.abc import Sequence

import numpy as np

from rightrate.report.text import count, rate, value
from rightrate.schedules import FloatArray, Piecewise, Schedule, Shape
from rightrate.search.space import Space
from rightrate.search.tune_record import Replay, RoundRecord, TuneAnswer, rates_change
from rightrate.tasks.task import Objective
from rightrate.tuner.play import Best

__all__ = ["conclude", "nothing", "replayed", "schedule_of"]


def schedule_of(
    rounds: Sequence[RoundRecord], path: Sequence[tuple[int, int]], shape: Shape, values: FloatArray
) -> Schedule:
    """Return the rates along a path as an ordinary schedule.

    One rate all along is the run's own shape times it; anything else is piecewise.

    Args:
        rounds: All rounds.
        path: (round, member) of the winner and all it descends from.
        shape: The run's schedule with peak 1.
        values: Its fraction of the peak at each step, shape (S,).
    """
    lrs = [rounds[number].members[member].lr for number, member in path]
    if len(set(lrs)) == 1 and isinstance(shape, Schedule):
        return shape * lrs[0]
    rates = np.concatenate(
        [
            lr * values[rounds[number].start : rounds[number].end]
            for lr, (number, _) in zip(lrs, path, strict=True)
        ]
    )
    ends = [*(int(place) + 1 for place in np.flatnonzero(np.diff(rates))), len(rates)]
    return Piecewise(until=tuple(ends), values=tuple(float(rates[end - 1]) for end in ends))


def nothing(rounds: Sequence[RoundRecord], *, interrupted: bool) -> TuneAnswer:
    """Return the answer where there is no member to hand back."""
    if interrupted:
        return TuneAnswer(status="interrupted", message="Stopped before any member trained.")
    tried = [member.lr for done in rounds for member in done.members]
    message = f"No learning rate from {rate(min(tried))} to {rate(max(tried))} trained this model."
    return TuneAnswer(status="diverged", message=message)


def conclude(
    best: Best,
    rounds: Sequence[RoundRecord],
    *,
    path: tuple[tuple[int, int], ...],
    schedule: Schedule,
    space: Space,
    objective: Objective,
    interrupted: bool,
) -> TuneAnswer:
    """Return the answer: the best member, where it stands, and why."""
    last = rounds[best.round]
    winner = last.members[best.member]
    score = winner.metrics[objective.name]
    lrs = [rounds[number].members[member].lr for number, member in path]
    moved = len(set(lrs)) > 1
    rates = f"learning rates from {rate(min(lrs))} to {rate(max(lrs))}" if moved else f"lr {rate(lrs[0])}"
    reached = f"validation {objective.name} {value(score)} after {count(last.end)} steps with {rates}"
    status, said = "found", f"The best of {_tried(rounds)} reached {reached}."
    reasons = [*_dropped(rounds), *_turns(path, rounds)]
    if interrupted:
        status, said = "interrupted", f"Stopped early; the best member so far reached {reached}."
    elif best.value >= space.untrained:
        status, said = "diverged", f"Nothing trained: the best member reached {reached}."
        reasons.append(
            f"Having learned nothing is validation {objective.name} {value(abs(space.untrained))}."
        )
    elif not rates_change(rounds) and _at_the_end(lrs[0], rounds):
        status = "edge"
        reasons.append("It is the end of the range that was searched; a better rate may lie beyond it.")
    return TuneAnswer(
        status=status,  # type: ignore[arg-type]
        message=said,
        reasons=tuple(reasons),
        lr=schedule.peak,
        score=score,
        schedule=schedule.to_dict(),
        path=path,
    )


def replayed(answer: TuneAnswer, replays: Sequence[Replay], objective: Objective) -> tuple[str, ...]:
    """Return what replaying the schedule from scratch says."""
    said = []
    for place, replay in enumerate(replays):
        seed = "the same seed" if not place else f"seed {replay.seed}"
        reached = replay.metrics[objective.name]
        same = answer.score is not None and math.isclose(reached, answer.score, rel_tol=1e-6)
        outcome = "the same" if same else value(reached)
        said.append(f"Replayed from scratch with {seed}, its schedule reaches {outcome}.")
    return tuple(said)


def _tried(rounds: Sequence[RoundRecord]) -> str:
    started = sum(len(done.members) for done in rounds if done.take is None)
    return f"{started} members"


def _at_the_end(lr: float, rounds: Sequence[RoundRecord]) -> bool:
    tried = [member.lr for done in rounds if done.take is None for member in done.members]
    return len(tried) > 1 and (lr <= min(tried) or lr >= max(tried))


def _dropped(rounds: Sequence[RoundRecord]) -> list[str]:
    failed = [
        member.lr for done in rounds for member in done.members if not math.isfinite(member.metrics["loss"])
    ]
    return [f"The lowest rate at which training failed is {rate(min(failed))}."] if failed else []


def _turns(path: Sequence[tuple[int, int]], rounds: Sequence[RoundRecord]) -> list[str]:
    """Return how often the winner's ancestors were replaced by others."""
    copies = sum(
        take[member] != member
        for number, member in path
        if (take := rounds[number].take) is not None and len(take) == len(rounds[number - 1].members)
    )
    if not copies:
        return []
    times = "once" if copies == 1 else f"{copies} times"
    return [f"On the way to it a member went on from another one {times}."]
