"""How the loss went so far, in a bounded number of parts: levels and trends for detectors."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from itertools import groupby, pairwise
from statistics import median
from typing import Any

__all__ = ["Course", "Part", "Trend"]

_MOST = 128
_FEWEST = 5
_STEADY = 2.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some observations in a row.

    Args:
        first: The first step.
        last: The last step.
        count: How many finite losses were observed.
        mean: Their mean.
        lr: The first group's rate at the newest of them; None if unknown.
    """

    first: int
    last: int
    count: int
    mean: float
    lr: float | None = None

    @property
    def middle(self) -> float:
        """The step in the middle, counted from 1."""
        return 1.0 + (self.first + self.last) / 2.0


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A straight line through means of the loss, over the logarithm of the step.

    Args:
        slope: Change of the loss each time the number of steps doubles.
        error: Standard error of the slope, with the residuals' lag-one correlation taken into account.
        level: Loss on the line at its end.
        scatter: Standard deviation of the means about the line.
    """

    slope: float
    error: float
    level: float
    scatter: float

    def after(self, doublings: float) -> float:
        """Return the loss on the line when the number of steps has doubled so often."""
        return self.level + self.slope * doublings


@dataclass(frozen=True, kw_only=True)
class Course:
    """The training loss since the run began, as at most 128 parts of equally many steps.

    A part begins as four steps; whenever there would be more than 128, neighbours are merged in pairs. Losses
    that are not finite are left out.

    Args:
        parts: The parts, oldest first.
        start: The lower of the first loss and the mean of the first two, since a run may blow up at its first
            step; NaN before the first.
        width: Steps in a part.
        whole: Whether the run was never put back.
    """

    parts: tuple[Part, ...] = ()
    start: float = math.nan
    width: int = 4
    whole: bool = True

    def add(self, steps: Sequence[int], losses: Sequence[float], lrs: Sequence[float] = ()) -> "Course":
        """Return the course with some observations more, and their rates if they are known."""
        if not math.isfinite(sum(losses)):
            places = [place for place, loss in enumerate(losses) if math.isfinite(loss)]
            steps, losses = [steps[place] for place in places], [losses[place] for place in places]
            lrs = [lrs[place] for place in places] if lrs else ()
        if not steps:
            return self
        start = min(losses[0], _mean(losses[:2])) if math.isnan(self.start) else self.start
        width, parts = self.width, list(self.parts)
        while steps[-1] // width - (parts[0].first if parts else steps[0]) // width >= _MOST:
            width, parts = 2 * width, _paired(parts, 2 * width)
        begin = 0
        while begin < len(steps):
            end = bisect_left(steps, (steps[begin] // width + 1) * width, begin)
            new = _part(steps[begin:end], losses[begin:end], lrs[end - 1] if lrs else math.nan)
            if parts and parts[-1].first // width == new.first // width:
                new = _merged(parts.pop(), new)
            parts.append(new)
            begin = end
        return Course(parts=tuple(parts), start=start, width=width, whole=self.whole)

    @property
    def step(self) -> int:
        """The newest step; 0 before the first."""
        return self.parts[-1].last if self.parts else 0

    def again(self) -> "Course":
        """Return the course of a run that was put back: without parts, but with where it began."""
        return Course(start=self.start, whole=False)

    def since(self, step: float) -> tuple[Part, ...]:
        """Return the parts that begin at a step or after it."""
        return self.parts[bisect_left(self.parts, step, key=lambda part: part.first) :]

    def level(self, step: float) -> float:
        """Return the median of the parts' means from a step on; NaN if there is none."""
        means = [part.mean for part in self.since(step)]
        return median(means) if means else math.nan

    def trend(self, step: float, until: float = math.inf) -> Trend | None:
        """Return the line through the parts between two steps; None if there are fewer than five."""
        parts = [part for part in self.since(step) if part.last <= until]
        return _fitted(parts) if len(parts) >= _FEWEST else None

    def steady(self, step: float) -> bool:
        """Return whether the rate has stayed within a factor of two from a step on, as far as it is known."""
        rates = [part.lr for part in self.since(step) if part.lr is not None]
        return not rates or max(rates) <= _STEADY * min(rates)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        start = None if math.isnan(self.start) else self.start
        parts = [asdict(part) for part in self.parts]
        return {"parts": parts, "start": start, "width": self.width, "whole": self.whole}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Course":
        """Return the course of saved data."""
        parts = tuple(Part(**part) for part in state["parts"])
        start = math.nan if state["start"] is None else state["start"]
        return cls(parts=parts, start=start, width=state["width"], whole=state.get("whole", True))


def _mean(values: Sequence[float]) -> float:
    """Return a mean that does not overflow where the values do not."""
    count = len(values)
    return math.fsum([value / count for value in values])


def _part(steps: Sequence[int], losses: Sequence[float], lr: float) -> Part:
    known = lr if math.isfinite(lr) else None
    return Part(first=steps[0], last=steps[-1], count=len(steps), mean=_mean(losses), lr=known)


def _paired(parts: Sequence[Part], width: int) -> list[Part]:
    """Return parts merged where the same `width` steps hold them."""
    groups = groupby(parts, key=lambda part: part.first // width)
    return [reduce(_merged, group) for _, group in groups]


def _merged(a: Part, b: Part) -> Part:
    share = b.count / (a.count + b.count)
    return Part(
        first=a.first,
        last=b.last,
        count=a.count + b.count,
        mean=a.mean * (1.0 - share) + b.mean * share,
        lr=b.lr,
    )


def _fitted(parts: Sequence[Part]) -> Trend:
    places = [math.log2(part.middle) for part in parts]
    values = [part.mean for part in parts]
    end = math.log2(parts[-1].last + 1.0)
    centre, mean = _mean(places), _mean(values)
    spread = math.fsum([(place - centre) ** 2 for place in places])
    slope = math.fsum([(p - centre) * (v - mean) for p, v in zip(places, values, strict=True)]) / spread
    rest = [v - mean - slope * (p - centre) for p, v in zip(places, values, strict=True)]
    squares = math.fsum([value * value for value in rest])
    scatter = math.sqrt(squares / (len(parts) - 2))
    lagged = math.fsum([a * b for a, b in pairwise(rest)])
    alike = min(0.9, max(0.0, lagged / squares)) if squares > 0.0 else 0.0
    error = scatter / math.sqrt(spread) * math.sqrt((1.0 + alike) / (1.0 - alike))
    return Trend(slope=slope, error=error, level=mean + slope * (end - centre), scatter=scatter)
