"""From a round that was trained to its record, and from that to what a strategy sees."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from rightrate.schedules import FloatArray
from rightrate.search.rounds import Round, Standing
from rightrate.search.tune_record import MemberRecord, RoundRecord
from rightrate.tasks.task import Objective

__all__ = ["recorded", "standings_of"]

_POINTS = 240


def recorded(
    asked: Round,
    losses: FloatArray,
    metrics: Mapping[str, FloatArray],
    *,
    start: int,
    length: int,
    annealed: Mapping[int, float] | None,
    weight_decays: Sequence[float] | None,
) -> RoundRecord:
    """Return the record of a round, as far as it was trained.

    Args:
        asked: The round.
        losses: Training losses, shape (S, K).
        metrics: Every metric at its end, shape (K,) each.
        start: Optimizer steps taken before.
        length: Of the whole run; the losses that are kept are spread evenly over it.
        annealed: The objective of annealed copies by member; None without any.
        weight_decays: The members' own, or None.
    """
    places = _thinned(len(losses), length)
    members = tuple(
        MemberRecord(
            lr=lr,
            metrics={name: float(column[member]) for name, column in metrics.items()},
            train=tuple(float(losses[place, member]) for place in places),
            annealed=None if annealed is None else annealed.get(member),
            weight_decay=None if weight_decays is None else weight_decays[member],
        )
        for member, lr in enumerate(asked.lrs)
    )
    return RoundRecord(
        start=start,
        steps=len(losses),
        take=asked.take,
        members=members,
        curve_steps=tuple(start + place for place in places),
        anneal_steps=asked.annealing.steps if asked.annealing and annealed is not None else 0,
    )


def standings_of(record: RoundRecord, objective: Objective) -> list[Standing]:
    """Return where the members of a round stand."""
    return [
        Standing(
            lr=member.lr,
            step=record.end,
            value=objective.worse_first(member.metrics[objective.name]),
            annealed=math.nan if member.annealed is None else objective.worse_first(member.annealed),
            weight_decay=member.weight_decay,
        )
        for member in record.members
    ]


def _thinned(steps: int, length: int) -> list[int]:
    count = min(steps, max(4, round(_POINTS * steps / length)))
    return sorted({round(place) for place in np.linspace(0, steps - 1, count)})
