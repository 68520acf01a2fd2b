"""One picture: regret against cost, a point a tool."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.quality.scores import Summary

__all__ = ["draw"]

_LEAST_COST = 0.02
_COLOURS = {
    "rightrate": "#c2410c",
    "fastai": "#1d4ed8",
    "Lightning": "#7c3aed",
    "torch-lr-finder": "#0891b2",
    "ignite": "#0d9488",
    "Optuna": "#4d7c0f",
    "Ray": "#a16207",
    "grid": "#57534e",
}
_OTHER = "#64748b"
_OURS = "rightrate"
_BUDGETS = ("rightrate", "Optuna", "Ray", "grid")
_BESIDE = 2.5  # names at costs within this factor could overlap
_APART = 1.1


def draw(rows: Sequence[Summary], floor: float, path: Path) -> None:
    """Write the figure: mean regret of each tool against its cost in run equivalents, both logarithmic.

    The budgets of one tool are joined by a line. What costs nothing, a fixed rate, stands at the left edge.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(10, 6.5), layout="constrained")
    series: dict[str, list[Summary]] = {}
    for row in rows:
        series.setdefault(_tool(row.tool), []).append(row)
    for tool, own in series.items():
        own.sort(key=lambda row: row.equivalents)
        costs, regrets = [_cost(row) for row in own], [row.mean for row in own]
        ours = tool == _OURS
        size = 8 if ours else 5
        axes.plot(
            costs, regrets, "o-", color=_colour(tool), markersize=size, linewidth=2 if ours else 1, zorder=3
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(_LEAST_COST / 1.3, 120),
        xlabel="cost in run equivalents (training steps over those of one full run)",
        ylabel="mean regret of the recommended rate, trained in full",
        title="How far recommended learning rates are from the best one",
    )
    if floor > 0:
        axes.axhline(floor, color="#a8a29e", linestyle="--", linewidth=1)
        axes.annotate("what the truth itself cannot tell", (_LEAST_COST, floor), fontsize=8, va="bottom")
    for tool, at, height in _labels(series):
        weight = "bold" if tool == _OURS else "normal"
        axes.annotate(
            tool, (at, height), xytext=(7, -3), textcoords="offset points", fontsize=8, color=_colour(tool),
            weight=weight,
        )  # fmt: skip
    axes.grid(which="major", color="#e7e5e4")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _tool(name: str) -> str:
    """Return a row's name without its budget."""
    return re.sub(r" (of )?[\d.]+x?$", "", name) if name.split()[0] in _BUDGETS else name


def _cost(row: Summary) -> float:
    return max(row.equivalents, _LEAST_COST)


def _colour(tool: str) -> str:
    return _COLOURS.get(tool.split(" ")[0].rstrip(","), _OTHER)


def _labels(series: Mapping[str, Sequence[Summary]]) -> list[tuple[str, float, float]]:
    """Return where each tool's name stands: at its dearest budget, moved down where two would overlap."""
    placed: list[tuple[str, float, float]] = []
    for tool, own in sorted(series.items(), key=lambda item: -item[1][-1].mean):
        at, height = _cost(own[-1]), own[-1].mean
        for _, other, taken in placed:
            if max(at, other) < _BESIDE * min(at, other) and height > taken / _APART:
                height = taken / _APART
        placed.append((tool, at, height))
    return placed
