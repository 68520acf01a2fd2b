"""What of a record is drawn: rounds, their results, and windows that no failed run can squash."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rightrate.report.text import rate
from rightrate.search.record import Curve, Record, Trial

__all__ = [
    "Round",
    "Window",
    "classic_reading",
    "decade_ticks",
    "lr_window",
    "mean_by_rate",
    "objective_label",
    "reached",
    "rounds",
    "smoothed",
    "thinned",
    "value_window",
]


@dataclass(frozen=True, kw_only=True)
class Round:
    """The trials of one rung.

    Args:
        name: "Round 1" or "Confirmation", and whether it saw a part of the data only.
        steps: The length trained, in optimizer steps.
        trials: Its trials, by learning rate.
    """

    name: str
    steps: int
    trials: tuple[Trial, ...]

    @property
    def part(self) -> bool:
        """Whether its trials saw only a part of the training data."""
        return any(trial.epoch is not None for trial in self.trials)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The part of an axis that is shown, low < high."""

    low: float
    high: float

    def holds(self, number: float) -> bool:
        """Return whether a number is finite and inside."""
        return math.isfinite(number) and self.low <= number <= self.high

    def clip(self, number: float) -> float:
        """Return the number, or the nearest end of the window."""
        return min(max(number, self.low), self.high)


def objective_label(record: Record) -> str:
    """Return what is judged, in words."""
    return f"validation {record.settings.objective}"


def reached(record: Record, trial: Trial) -> float:
    """Return the objective a trial ended at; NaN where it was not measured."""
    found = trial.metrics.get(record.settings.objective)
    return math.nan if found is None else float(found)


def rounds(record: Record) -> tuple[Round, ...]:
    """Return the judged rounds in the order in which they were trained; the range test is none of them."""
    judged = [trial for trial in record.trials if trial.kind != "range" and 0 < trial.lr < math.inf]
    keys = sorted({(trial.kind == "confirm", trial.rung, trial.steps) for trial in judged})
    found = []
    for number, key in enumerate(keys, start=1):
        members = [trial for trial in judged if (trial.kind == "confirm", trial.rung, trial.steps) == key]
        members.sort(key=lambda trial: (trial.lr, trial.seed))
        name = "Confirmation" if key[0] else f"Round {number}"
        part = ", part of the data" if any(trial.epoch is not None for trial in members) else ""
        found.append(Round(name=name + part, steps=key[2], trials=tuple(members)))
    return tuple(found)


def mean_by_rate(pairs: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return (lr, mean value) for each learning rate, ascending; NaN where any value is not finite."""
    groups: dict[float, list[float]] = {}
    for lr, number in pairs:
        key = next((known for known in groups if math.isclose(known, lr, rel_tol=1e-9)), lr)
        groups.setdefault(key, []).append(number)
    return tuple(
        (lr, sum(group) / len(group) if all(map(math.isfinite, group)) else math.nan)
        for lr, group in sorted(groups.items())
    )


def lr_window(record: Record) -> Window:
    """Return the learning rates to show, with a little room at both ends."""
    answer = record.answer
    rates = [trial.lr for trial in record.trials if trial.kind != "range"]
    rates += [lr for lr in (answer.lr, answer.good.low, answer.good.high) if lr is not None]
    rates = [lr for lr in rates if 0 < lr < math.inf]
    if not rates:
        return Window(low=1e-5, high=1.0)
    room = 10 ** (0.04 * max(math.log10(max(rates) / min(rates)), 2.0))
    return Window(low=min(rates) / room, high=max(rates) * room)


def value_window(record: Record) -> Window:
    """Return the objective's values to show: everything that learned, and a little of what did not.

    Values far beyond the untrained level are left outside, so that one diverged member cannot squash the
    rest; the untrained level itself is inside only where the results come near it.
    """
    sign = 1.0 if record.settings.direction == "min" else -1.0
    measured = [reached(record, trial) for stage in rounds(record) for trial in stage.trials]
    levels = record.levels
    window = _window(
        [sign * number for number in measured if _drawable(number)],
        sign * levels.untrained if _drawable(levels.untrained) else math.nan,
        sign * levels.best if levels.best is not None and _drawable(levels.best) else None,
    )
    return window if sign > 0 else Window(low=-window.high, high=-window.low)


def _drawable(number: float) -> bool:
    """Return whether sums and differences of such numbers are finite."""
    return math.isfinite(number) and abs(number) < 1e150


def _window(values: Sequence[float], untrained: float, best: float | None) -> Window:
    """Return the window for values of which smaller is better."""
    lowest = min([*values, *([] if best is None else [best])], default=math.nan)
    if not math.isfinite(untrained):
        if not values:
            return Window(low=0.0, high=1.0)
        middle = sorted(values)[len(values) // 2]
        cap = lowest + 4 * max(middle - lowest, 1e-3 * abs(lowest), 1e-12)
        return _with_room(lowest, min(max(values), cap))
    if not math.isfinite(lowest) or lowest >= untrained:
        scale = max(0.1 * abs(untrained), 1e-9)
        return Window(low=untrained - scale, high=untrained + scale)
    span = untrained - lowest
    inside = [number for number in values if number <= untrained + 0.1 * span]
    top = max(inside, default=untrained)
    if top > untrained - 0.5 * span:
        top = max(top, untrained)
    return _with_room(lowest, max(top, lowest + 0.1 * span))


def _with_room(low: float, high: float) -> Window:
    span = max(high - low, 1e-9 * max(abs(low), abs(high)), 1e-12)
    return Window(low=low - 0.07 * span, high=high + 0.1 * span)


def decade_ticks(window: Window) -> tuple[tuple[float, str], ...]:
    """Return (lr, label) for the ticks of a logarithmic axis of learning rates.

    Example:
        >>> [label for _, label in decade_ticks(Window(low=0.0005, high=0.05))]
        ['0.001', '0.003', '0.01', '0.03']
        >>> [label for _, label in decade_ticks(Window(low=0.0012, high=0.008))]
        ['0.0015', '0.002', '0.003', '0.005', '0.007']
    """
    first, last = math.floor(math.log10(window.low)), math.ceil(math.log10(window.high))
    stride = max(1, math.ceil((last - first) / 9))
    ticks = [
        float(f"{digit}e{exponent}")
        for exponent in range(first, last + 1)
        if exponent % stride == 0
        for digit in _digits(math.log10(window.high / window.low), last - first)
    ]
    return tuple((lr, rate(lr)) for lr in ticks if window.holds(lr))


def _digits(decades: float, begun: int) -> tuple[float, ...]:
    """Return what ticks begin with, so that a few of them are in a window of so many decades."""
    if decades < 0.5:
        return (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9)
    if decades < 0.9:
        return (1, 1.5, 2, 3, 5, 7)
    if decades < 1.4:
        return (1, 2, 3, 5)
    return (1, 3) if begun <= 4 else (1,)


def thinned(
    steps: Sequence[int], values: Sequence[float], points: int
) -> tuple[list[int], list[float | None]]:
    """Return at most `points` (step, mean of its neighbourhood); None where a value is not finite.

    Example:
        >>> thinned([0, 1, 2, 3], [4.0, 2.0, 1.0, 1.0], 2)
        ([0, 2], [3.0, 1.0])
    """
    size = max(1, math.ceil(len(values) / points))
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    means = [sum(group) / len(group) if all(map(math.isfinite, group)) else None for group in groups]
    return list(steps[: len(values) : size]), [None if x is None else float(f"{x:.4g}") for x in means]


def smoothed(values: Sequence[float], reach_fraction: float = 0.03) -> list[float]:
    """Return centred moving means, over `reach_fraction` of the length to both sides."""
    reach = max(1, round(len(values) * reach_fraction))
    windows = [values[max(0, i - reach) : i + reach + 1] for i in range(len(values))]
    return [sum(window) / len(window) if all(map(math.isfinite, window)) else math.nan for window in windows]


def classic_reading(curve: Curve) -> float | None:
    """Return what people read off a range test: a tenth of the rate at the lowest smoothed loss.

    Leslie N. Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3, describes the
    test; a tenth of the minimum is the rule of thumb that came to be used with it.
    """
    pairs = [
        (loss, lr)
        for loss, lr in zip(smoothed(curve.train), curve.lr, strict=False)
        if math.isfinite(loss) and lr > 0
    ]
    return min(pairs)[1] / 10 if pairs else None
