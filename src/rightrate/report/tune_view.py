"""What of a tuning is drawn: its rounds as trials, for the charts that `find` has, and its members' paths."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rightrate.search.record import Answer, Cliff, Curve, Fit, GoodRange, Record, Trial
from rightrate.search.tune_record import RoundRecord, TuneRecord, ancestry, rates_change

__all__ = ["Segment", "as_record", "segments", "slow_members", "value_of"]

_SNAPSHOTS = 4


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One member in one round.

    Args:
        round: The round, from 0.
        member: Its place in the round.
        start: Optimizer steps taken before.
        end: Optimizer steps taken at its end.
        lr: Its peak rate.
        value: The objective at its end; NaN where it does not train.
        winner: Whether the winner descends from it, or it is the winner.
    """

    round: int
    member: int
    start: int
    end: int
    lr: float
    value: float
    winner: bool


def value_of(record: TuneRecord, done: RoundRecord, member: int) -> float:
    """Return the objective a member had at the end of a round."""
    return float(done.members[member].metrics.get(record.settings.run.objective, math.nan))


def segments(record: TuneRecord) -> tuple[Segment, ...]:
    """Return every member of every round, in order."""
    path = set(record.answer.path)
    return tuple(
        Segment(
            round=number,
            member=member,
            start=done.start,
            end=done.end,
            lr=item.lr,
            value=value_of(record, done, member),
            winner=(number, member) in path,
        )
        for number, done in enumerate(record.rounds)
        for member, item in enumerate(done.members)
    )


def slow_members(record: TuneRecord) -> frozenset[int]:
    """Return the places of members that are judged by annealed copies while others are not."""
    slow = {
        member
        for done in record.rounds
        for member, item in enumerate(done.members)
        if item.annealed is not None
    }
    return frozenset(slow if rates_change(record.rounds) else ())


def as_record(record: TuneRecord) -> Record:
    """Return a tuning as a record of `find`, one trial for each member that was judged.

    Where rates stay as they are, every round after which members were chosen is a rung, and each trial has
    the curve of its member from the start. Where they change, four rounds are shown, evenly over the run.
    """
    run, answer = record.settings.run, record.answer
    moving = rates_change(record.rounds)
    shown = _snapshots(record.rounds) if moving else _decided(record.rounds)
    trials = tuple(
        _trial(record, number, member, moving)
        for number in shown
        for member in range(len(record.rounds[number].members))
    )
    cliff = Cliff() if moving else _cliff(trials)
    return Record(
        settings=run,
        answer=Answer(
            lr=None if moving else answer.lr,
            good=GoodRange(),
            cliff=cliff,
            status=answer.status,
            message=answer.message,
            reasons=answer.reasons,
        ),
        trials=trials,
        levels=record.levels,
        fit=Fit(),
        cost=replace(record.cost, steps=dict(record.cost.steps)),
        provenance=record.provenance,
    )


def _decided(rounds: Sequence[RoundRecord]) -> list[int]:
    """Return the rounds after which members were chosen: fewer went on, new ones began, or it was over."""
    return [
        number
        for number, done in enumerate(rounds)
        if number + 1 == len(rounds)
        or rounds[number + 1].take is None
        or len(rounds[number + 1].members) < len(done.members)
    ]


def _snapshots(rounds: Sequence[RoundRecord]) -> list[int]:
    last = len(rounds) - 1
    return sorted({max(0, round((last + 1) * part / _SNAPSHOTS) - 1) for part in range(1, _SNAPSHOTS + 1)})


def _trial(record: TuneRecord, number: int, member: int, moving: bool) -> Trial:
    done = record.rounds[number]
    item = done.members[member]
    metrics = dict(item.metrics)
    if item.annealed is not None and not moving:
        metrics[record.settings.run.objective] = item.annealed
    return Trial(
        lr=item.lr,
        seed=record.provenance.seed,
        steps=done.end,
        rung=number,
        kind="probe",
        metrics=metrics,
        curve=_curve(record.rounds, number, member),
    )


def _curve(rounds: Sequence[RoundRecord], number: int, member: int) -> Curve:
    """Return the training loss of a member and of those it descends from."""
    steps: list[int] = []
    lrs: list[float] = []
    train: list[float] = []
    for place, ancestor in ancestry(rounds, number, member):
        done = rounds[place]
        steps += done.curve_steps
        train += done.members[ancestor].train
        lrs += [done.members[ancestor].lr] * len(done.curve_steps)
    return Curve(steps=tuple(steps), lr=tuple(lrs), train=tuple(train))


def _cliff(trials: Sequence[Trial]) -> Cliff:
    """Return the lowest rate that failed, and the highest below it that did not."""
    failed = [trial.lr for trial in trials if not math.isfinite(trial.metrics["loss"])]
    if not failed:
        return Cliff()
    trained = [trial.lr for trial in trials if trial.lr < min(failed)]
    longest = max(trial.steps for trial in trials)
    return Cliff(lowest_failed=min(failed), max_stable=max(trained, default=None), steps=longest)
