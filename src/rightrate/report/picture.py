"""The main picture as a matplotlib figure."""

import io
import math
import re
from typing import TYPE_CHECKING, Literal

from rightrate.report.text import rate, value
from rightrate.report.view import (
    Window,
    decade_ticks,
    lr_window,
    mean_by_rate,
    objective_label,
    reached,
    rounds,
    value_window,
)
from rightrate.search.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "svg"]

_INK, _MUTED, _DATA, _GOOD, _FAIL, _GRID = "#1b2330", "#667085", "#0b63a5", "#00795a", "#c2410c", "#e8ebf0"
_FIRST_STAGE = (0xB9, 0xCF, 0xE4)
_LAST_STAGE = (0x0B, 0x63, 0xA5)


def figure(record: Record) -> "Figure":
    """Return the objective after training against the learning rate, as on the report page.

    It is made without pyplot: nothing global is changed, and no window opens. Save it with
    `figure.savefig(...)`.
    """
    from matplotlib.figure import Figure

    made = Figure(figsize=(8.6, 4.8), dpi=110, facecolor="white", layout="constrained")
    axes = made.add_subplot(facecolor="white")
    lrs, values = lr_window(record), value_window(record)
    axes.set_xscale("log")
    axes.set_xlim(lrs.low, lrs.high)
    axes.set_ylim(values.low, values.high)
    _look(axes, lrs, f"{objective_label(record)} after training")
    _draw_marks(axes, record, lrs)
    _draw_fit(axes, record)
    _draw_trials(axes, record, values)
    _draw_untrained(axes, record, lrs, values)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.14),
            ncols=3,
            frameon=False,
            fontsize=9,
            labelcolor=_INK,
        )
    return made


def svg(made: "Figure") -> str:
    """Return a figure as SVG text; the same figure gives the same text."""
    stream = io.StringIO()
    made.savefig(stream, format="svg", metadata={"Date": None})
    return _stable_ids(stream.getvalue())


def _stable_ids(text: str) -> str:
    """Number the identifiers that matplotlib draws at random."""
    names: dict[str, str] = {}
    return re.sub(r"\b[A-Za-z][0-9a-f]{10}\b", lambda hit: names.setdefault(hit[0], f"r{len(names)}"), text)


def _look(axes: "Axes", lrs: Window, label: str) -> None:
    ticks = decade_ticks(lrs)
    axes.set_xticks([lr for lr, _ in ticks], [text for _, text in ticks], minor=False)
    axes.tick_params(which="minor", length=0, labelbottom=False)
    axes.tick_params(which="major", labelsize=10, colors=_INK, color=_GRID)
    axes.set_xlabel("learning rate", color=_INK, fontsize=10.5)
    axes.set_ylabel(_drawable(label), color=_INK, fontsize=10.5, parse_math=False)
    axes.grid(visible=True, which="major", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#d5dae2")


def _drawable(text: str) -> str:
    """Replace letters the default font cannot draw, about which matplotlib would warn."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    letters = get_font(findfont(FontProperties())).get_charmap()
    return "".join(letter if ord(letter) in letters else "?" for letter in text[:80])


def _draw_marks(axes: "Axes", record: Record, lrs: Window) -> None:
    answer = record.answer
    good, cliff = answer.good, answer.cliff
    if cliff.lowest_failed is not None and lrs.holds(cliff.lowest_failed):
        axes.axvspan(cliff.lowest_failed, lrs.high, color="#d55e00", alpha=0.1, linewidth=0)
        height = 0.04 if record.settings.direction == "min" else 0.9
        _label(axes, "training fails", cliff.lowest_failed, lrs, height=height, colour=_FAIL)
    if cliff.max_stable is not None and lrs.holds(cliff.max_stable):
        axes.axvline(cliff.max_stable, color=_FAIL, linewidth=1.4, linestyle="--")
        text = f"still trains at {rate(cliff.max_stable)}"
        _label(axes, text, cliff.max_stable, lrs, height=1.07, colour=_FAIL, centred=True)
    if good.low is not None and good.high is not None:
        axes.axvspan(lrs.clip(good.low), lrs.clip(good.high), color="#009e73", alpha=0.14, linewidth=0)
    if answer.lr is not None:
        axes.axvline(answer.lr, color=_GOOD, linewidth=2.2)
        _label(
            axes, f"{rate(answer.lr)} recommended", answer.lr, lrs, height=1.01, colour=_GOOD, centred=True
        )


def _label(
    axes: "Axes", text: str, lr: float, lrs: Window, *, height: float, colour: str, centred: bool = False
) -> None:
    place = math.log(lr / lrs.low) / math.log(lrs.high / lrs.low)
    side = "right" if place > 0.8 else "center" if centred and place > 0.2 else "left"
    where = axes.get_xaxis_transform()
    axes.text(lr, height, f" {text} ", transform=where, ha=side, va="bottom", color=colour, fontsize=10.5)


def _draw_fit(axes: "Axes", record: Record) -> None:
    fit = record.fit
    if not fit.lr:
        return
    axes.fill_between(fit.lr, fit.low, fit.high, color=_DATA, alpha=0.15, linewidth=0)
    axes.plot(fit.lr, fit.value, color=_DATA, linewidth=2, label="expected of the whole run")


def _draw_trials(axes: "Axes", record: Record, values: Window) -> None:
    stages = rounds(record)
    failed: list[float] = []
    for number, stage in enumerate(stages):
        last = number == len(stages) - 1
        place = (number + 1) / len(stages)
        mixed = [a + (b - a) * place for a, b in zip(_FIRST_STAGE, _LAST_STAGE, strict=True)]
        colour = tuple(channel / 255 for channel in mixed)
        points = [(trial.lr, reached(record, trial)) for trial in stage.trials]
        failed += [lr for lr, number_ in points if not values.holds(number_)]
        shown = [point for point in points if values.holds(point[1])]
        marker = "D" if stage.name == "Confirmation" else "o"
        axes.plot(
            [lr for lr, _ in shown],
            [number_ for _, number_ in shown],
            linestyle="none",
            marker=marker,
            markersize=6 if last else 5,
            color=colour,
            markeredgecolor="white",
            label=f"{stage.name}: {stage.steps:,} steps",
        )
        if not last or not record.fit.lr:
            means = mean_by_rate(points)
            axes.plot([lr for lr, _ in means], [x for _, x in means], color=colour, linewidth=1)
    if failed:
        height = 0.965 if record.settings.direction == "min" else 0.035
        axes.plot(
            failed,
            [height] * len(failed),
            linestyle="none",
            marker="x",
            color=_FAIL,
            markersize=6,
            transform=axes.get_xaxis_transform(),
            label="failed, or far off",
        )


def _draw_untrained(axes: "Axes", record: Record, lrs: Window, values: Window) -> None:
    level = record.levels.untrained
    if not math.isfinite(level):
        return
    smaller = record.settings.direction == "min"
    text = f" untrained: {value(level)}"
    if values.holds(level):
        axes.axhline(level, color=_MUTED, linewidth=1.1, linestyle=":")
        side: Literal["top", "bottom"] = "bottom" if smaller else "top"
        axes.text(lrs.low, level, text, ha="left", va=side, color=_MUTED, fontsize=9.5)
        return
    text += " (above)" if smaller else " (below)"
    height, side = (0.99, "top") if smaller else (0.01, "bottom")
    axes.text(0, height, text, transform=axes.transAxes, ha="left", va=side, color=_MUTED, fontsize=9.5)
