"""One picture: regret against cost, a point a tool."""

from collections.abc import Sequence
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
_OTHER = "#94a3b8"


def draw(rows: Sequence[Summary], floor: float, path: Path) -> None:
    """Write the figure: mean regret of each tool against its cost in run equivalents, both logarithmic.

    A tool that costs nothing, a fixed rate, stands at the left edge.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 6), layout="constrained")
    for row in rows:
        cost = max(row.equivalents, _LEAST_COST)
        family = row.tool.split(" ")[0].rstrip(",")
        colour = _COLOURS.get(family, _OTHER)
        axes.scatter(cost, row.mean, s=90 if family == "rightrate" else 36, color=colour, zorder=3)
        axes.annotate(
            row.tool,
            (cost, row.mean),
            xytext=(5, 3),
            textcoords="offset points",
            fontsize=7.5,
            color=colour,
            weight="bold" if family == "rightrate" else "normal",
        )
    if floor > 0:
        axes.axhline(floor, color="#a8a29e", linestyle="--", linewidth=1)
        axes.annotate("what the truth itself cannot tell", (_LEAST_COST, floor), fontsize=7.5, va="bottom")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="cost in run equivalents (training steps over those of one full run)",
        ylabel="mean regret of the recommended rate, trained in full",
        title="How far recommended learning rates are from the best one",
    )
    axes.grid(which="major", color="#e7e5e4")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
