"""What a tuning measured and concluded: plain, frozen data that reports draw and JSON carries."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from rightrate.search.record import Cost, Curve, Levels, Provenance, Settings, Status

__all__ = [
    "MemberRecord",
    "Replay",
    "RoundRecord",
    "TuneAnswer",
    "TuneRecord",
    "TuneSettings",
    "ancestry",
    "rates_change",
]


@dataclass(frozen=True, kw_only=True)
class MemberRecord:
    """One member in one round.

    Args:
        lr: Its peak rate.
        metrics: Name to value on the validation data at the end of the round; NaN where it does not train.
        train: Its training losses at the round's `curve_steps`.
        annealed: The objective of its annealed copy; None where there is none.
        weight_decay: Its own; None for the optimizer's.
    """

    lr: float
    metrics: Mapping[str, float]
    train: tuple[float, ...]
    annealed: float | None = None
    weight_decay: float | None = None


@dataclass(frozen=True, kw_only=True)
class RoundRecord:
    """One round of a population.

    Args:
        start: Optimizer steps its members had taken before.
        steps: Its length.
        take: Whom of the round before each member went on from; None where they are new.
        members: Its members.
        curve_steps: The steps (0-based, of the whole run) at which training losses were kept.
        anneal_steps: How long copies were annealed; 0 for none.
        seconds: Wall time.
    """

    start: int
    steps: int
    take: tuple[int, ...] | None
    members: tuple[MemberRecord, ...]
    curve_steps: tuple[int, ...]
    anneal_steps: int = 0
    seconds: float = 0.0

    @property
    def end(self) -> int:
        """Optimizer steps its members have taken at its end."""
        return self.start + self.steps

    @property
    def annealed(self) -> int:
        """Member-steps of annealed copies."""
        return self.anneal_steps * sum(member.annealed is not None for member in self.members)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, NaN as it is."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RoundRecord":
        """Return the round of stored data."""
        members = tuple(
            MemberRecord(**{**member, "train": tuple(member["train"])}) for member in data["members"]
        )
        take = None if data["take"] is None else tuple(data["take"])
        plain = {"take": take, "members": members, "curve_steps": tuple(data["curve_steps"])}
        return cls(**{**data, **plain})


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The winner's schedule, trained from scratch.

    Args:
        seed: Of weights, batches and draws; that of the search is the first.
        metrics: Name to value at the end.
        curve: Training loss along the way.
        seconds: Wall time.
    """

    seed: int
    metrics: Mapping[str, float]
    curve: Curve = field(default_factory=Curve)
    seconds: float = 0.0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Replay":
        """Return the replay of stored data."""
        curve = Curve(**{name: tuple(values) for name, values in data["curve"].items()})
        return cls(**{**data, "curve": curve})


@dataclass(frozen=True, kw_only=True)
class TuneSettings:
    """What was asked for.

    Args:
        run: The run: task, optimizer, schedule, length, objective; its budget is what was planned.
        method: "grid", "halving", "pbt", "bayes", or the name of another strategy.
        options: The method's own settings, plain JSON data.
    """

    run: Settings
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TuneAnswer:
    """The winner with its evidence.

    Args:
        status: "found", "edge", "diverged" or "interrupted".
        message: The answer in one sentence.
        reasons: Why, in plain sentences.
        lr: The winner's (peak) rate; None where nothing trained.
        score: The objective it reached.
        schedule: Its rate over time, as `Schedule.to_dict` writes it.
        path: (round, member) of the winner and all it descends from, first to last.
    """

    status: Status
    message: str
    reasons: tuple[str, ...] = ()
    lr: float | None = None
    score: float | None = None
    schedule: Mapping[str, Any] | None = None
    path: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class TuneRecord:
    """Everything a tuning measured and concluded; `to_dict` is what `--json` writes."""

    settings: TuneSettings
    answer: TuneAnswer
    rounds: tuple[RoundRecord, ...]
    replays: tuple[Replay, ...]
    levels: Levels
    cost: Cost
    provenance: Provenance

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, the answer's values at the top; NaN and infinities become None."""
        plain = {
            **asdict(self.answer),
            "settings": asdict(self.settings),
            "rounds": [item.to_dict() for item in self.rounds],
            "replays": [asdict(item) for item in self.replays],
            "levels": asdict(self.levels),
            "cost": asdict(self.cost),
            "provenance": asdict(self.provenance),
        }
        return {key: _jsonable(value) for key, value in plain.items()}


def ancestry(rounds: Sequence[RoundRecord], last: int, member: int) -> tuple[tuple[int, int], ...]:
    """Return (round, member) of a member of round `last` and of all it descends from, first to last."""
    path = [(last, member)]
    while (take := rounds[path[-1][0]].take) is not None:
        place, child = path[-1]
        path.append((place - 1, take[child]))
    return tuple(reversed(path))


def rates_change(rounds: Sequence[RoundRecord]) -> bool:
    """Return whether members' rates change from round to round, as in population-based training."""
    return any(
        done.members[member].lr != before.members[source].lr
        for before, done in pairwise(rounds)
        if done.take is not None
        for member, source in enumerate(done.take)
    )


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value
