"""What a strategy sees and says: plain, frozen data."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Action", "Observation", "Space"]

_NUMBERS = ("value", "seen")


@dataclass(frozen=True, kw_only=True)
class Space:
    """The question a strategy is asked.

    Args:
        low: Lowest learning rate of the range to search, > 0.
        high: Highest one, > low.
        steps: Length of the real run in optimizer steps.
        budget: What may be spent, in run equivalents.
        seed: Of everything random.
        decays: Whether the real run's schedule ends below a tenth of its peak.
        untrained: The objective (smaller is better) of having learned nothing.
        start: The objective at the initial weights; None where it is not known or not finite.
        own_decay: The power of the number of steps with which the optimizer's own steps shrink.
        epoch: Steps of one pass over the training data; None where there is no end to them.
        divisible: Whether trials can be limited to a part of the training data.
    """

    low: float
    high: float
    steps: int
    budget: float
    seed: int
    decays: bool
    untrained: float
    start: float | None = None
    own_decay: float = 0.0
    epoch: float | None = None
    divisible: bool = False

    @property
    def allowance(self) -> int:
        """Member-steps that may be spent."""
        return int(self.budget * self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Space":
        """Return the space of stored data."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class Action:
    """Train members side by side from the start, each at one peak rate under the run's compressed schedule.

    Args:
        kind: "probe"; "confirm" for a second seed; "range" for one member whose rate grows geometrically
            from the first to the last of `lrs`.
        rung: Which round of the search this is.
        lrs: The peak rates.
        steps: Length in optimizer steps.
        seed: Of batches and draws.
        epoch: Steps of one pass over a part of the training data, which is all it sees; None for all data.
    """

    kind: Literal["range", "probe", "confirm"]
    rung: int
    lrs: tuple[float, ...]
    steps: int
    seed: int
    epoch: int | None = None

    @property
    def cost(self) -> int:
        """Member-steps it takes."""
        return self.steps * (1 if self.kind == "range" else len(self.lrs))


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one trial reached.

    Args:
        lr: Peak rate.
        steps: Length in optimizer steps.
        seed: Of batches and draws.
        rung: The action it belongs to.
        value: The objective at the end, smaller is better; NaN if it is not finite.
        seen: The same on training batches it has seen; NaN where it is not known.
        epoch: Steps of one pass over the part of the training data that it was limited to; None for all data.
    """

    lr: float
    steps: int
    seed: int
    rung: int
    value: float
    seen: float = math.nan
    epoch: int | None = None

    def learned(self, level: float) -> float:
        """Return the value, no worse than a level, such as that of having learned nothing."""
        return min(self.value, level) if math.isfinite(self.value) else level

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data (NaN as None)."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        plain = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        return {**asdict(self), **plain}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Observation":
        """Return the observation of stored data."""
        numbers = {name: math.nan if data[name] is None else data[name] for name in _NUMBERS}
        return cls(**{**data, **numbers})
