"""What must hold, and whether it does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.speed.cases import Case
from benchmarks.speed.measure import Ratio

__all__ = ["Bar", "bars_of"]

_COMPILED_CPU = {"adamw": 8.0, "momentum": 7.0}
_COMPILED_GPU = 20.0
_CHOSEN = 0.95


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar with what was measured. It fails only if the whole interval is on the wrong side.

    Args:
        name: What it is about.
        wanted: The bar.
        at_least: Whether more is better.
        median: What was measured.
        low: Lower end of the 90 % interval.
        high: Upper end.
    """

    name: str
    wanted: float
    at_least: bool = True
    median: float
    low: float
    high: float

    @property
    def sign(self) -> str:
        """The side that is right."""
        return ">=" if self.at_least else "<="

    def measured(self) -> str:
        """Return what was measured as people read it."""
        return f"{self.median:.2f} ({self.low:.2f}-{self.high:.2f})"

    @property
    def holds(self) -> bool:
        """Whether the bar is met, as far as the measurement can tell."""
        return self.high >= self.wanted if self.at_least else self.low <= self.wanted


def bars_of(results: Iterable[tuple[Case, Mapping[str, Ratio]]], *, on_gpu: bool) -> list[Bar]:
    """Return the bars on the cases that were measured."""
    found = []
    for case, ratios in results:
        small = case.workload.name == "mlp" and case.workload.batch_size == 32
        if small and "compiled" in ratios and case.size == (64 if on_gpu else 16):
            wanted = _COMPILED_GPU if on_gpu else _COMPILED_CPU[case.optimizer]
            found.append(_bar(f"{case.label}, compiled", wanted, ratios["compiled"]))
        if "auto" in ratios:
            found.append(_bar(f"{case.label}, what the calibration chooses", _CHOSEN, ratios["auto"]))
    return found


def _bar(name: str, wanted: float, ratio: Ratio) -> Bar:
    return Bar(name=name, wanted=wanted, median=ratio.median, low=ratio.low, high=ratio.high)
