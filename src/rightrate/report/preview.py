"""Schedules beside each other: the values at the places that matter, a picture, and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from markupsafe import Markup

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.report.picture import svg
from rightrate.report.self_contained import data_url, environment, plotly_js, policy, resource, script_json
from rightrate.report.text import chart_text, rate
from rightrate.schedules import Schedule
from rightrate.schedules.differences import Difference, differences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LETTERS", "LOWEST", "Preview", "Row"]

LETTERS = "abcdefghij"
LOWEST = 1e-4
"""A logarithmic axis goes down to this fraction of the highest rate."""

_INK, _GRID = "#1b2330", "#e8ebf0"
_COLOURS = ("#0b63a5", "#c2410c", "#00795a", "#7a3ea1", "#9a6700", "#b0307a", "#3b7d8c", "#667085")
_TOKENS = ("@data", "@fail", "@good", "@second", "@rates:0", "@rates:0.5", "@muted", "@ink")
_POINTS = 2000
_FIRST, _LAST = 6, 2
_WIDEST = 84


@dataclass(frozen=True, kw_only=True)
class Row:
    """The rates at one step.

    Args:
        step: The step.
        rates: The rate of each schedule.
        notes: What the step is, such as "last step".
    """

    step: int
    rates: tuple[float, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Schedules to look at.

    Args:
        shapes: One schedule, or up to ten to compare.
        lr: What every rate is multiplied by, > 0.

    Raises:
        ConfigError: If there are none, or more than ten, or the rate is not > 0.
    """

    shapes: tuple[Schedule, ...]
    lr: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= len(self.shapes) <= len(LETTERS):
            allowed = f"1 to {len(LETTERS)} schedules"
            raise ConfigError(describe("Preview(shapes=...)", allowed, self.shapes))
        _check.number("Preview(lr=...)", self.lr, above=0.0)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """A letter and the text of each schedule."""
        return tuple((letter, _text(shape)) for letter, shape in zip(LETTERS, self.shapes, strict=False))

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedules with their rates."""
        return tuple(shape * self.lr for shape in self.shapes)

    @property
    def length(self) -> int:
        """The length of the longest schedule in optimizer steps."""
        return max(schedule.total_steps for schedule in self.schedules)

    def rows(self) -> tuple[Row, ...]:
        """Return the rates at the first, middle and last step, after the end, and where the rate turns."""
        notes: dict[int, list[str]] = {}
        for letter, schedule in zip(LETTERS, self.schedules, strict=False):
            before = f"{letter}: " if len(self.shapes) > 1 else ""
            for step, note in _places(schedule):
                own = before if step else ""
                if own + note not in notes.setdefault(step, []):
                    notes[step].append(own + note)
        return tuple(
            Row(step=step, rates=tuple(schedule(step) for schedule in self.schedules), notes=tuple(said))
            for step, said in sorted(notes.items())
        )

    def left_out(self) -> int:
        """Return how many turns `rows` leaves out, of schedules that have very many."""
        return sum(max(0, len(schedule.marks()) - _FIRST - _LAST) for schedule in self.schedules)

    def steps(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the steps to draw: all, or those of an even grid and those where a rate turns."""
        if self.length <= 2 * _POINTS:
            return np.arange(self.length)
        grid = np.linspace(0, self.length - 1, _POINTS).astype(np.int64)
        turns = np.array([mark for schedule in self.schedules for mark in schedule.marks()], dtype=np.int64)
        turns = turns[:: max(1, len(turns) // _POINTS)]
        return np.unique(np.concatenate([grid, turns, np.maximum(turns - 1, 0)]))

    def differences(self) -> tuple[Difference, ...]:
        """Return what other libraries do differently under these names."""
        found = [item for schedule in self.schedules for item in differences(schedule)]
        return tuple(dict.fromkeys(found))

    def figure(self, axis: Literal["log", "linear"] = "linear") -> "Figure":
        """Return the curves as a matplotlib figure; what is held after an end is dotted.

        It is made without pyplot: nothing global is changed, and no window opens.
        """
        from matplotlib.figure import Figure

        made = Figure(figsize=(8.6, 4.6), dpi=110, facecolor="white", layout="constrained")
        axes = made.add_subplot(facecolor="white")
        steps = self.steps()
        for index, schedule in enumerate(self.schedules):
            colour = _COLOURS[index % len(_COLOURS)]
            inside = steps[steps < schedule.total_steps]
            after = np.array([schedule.total_steps - 1, round(1.04 * self.length)])
            axes.plot(inside, schedule(inside), color=colour, linewidth=1.8, label=self._label(index))
            axes.plot(after, schedule(after), color=colour, linewidth=1.4, linestyle=":")
        axes.set_yscale(axis)
        highest = max(schedule.peak for schedule in self.schedules)
        axes.set_ylim((0.0 if axis == "linear" else LOWEST * highest), axes.get_ylim()[1])
        axes.set_xlim(0, round(1.04 * self.length))
        axes.set_xlabel("optimizer step", color=_INK)
        axes.set_ylabel("learning rate", color=_INK)
        axes.grid(visible=True, color=_GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=9, colors=_INK, color=_GRID)
        axes.spines[["top", "right"]].set_visible(False)
        made.legend(loc="outside lower center", ncols=1, frameon=False, fontsize=9, labelcolor=_INK)
        return made

    def page(self) -> str:
        """Return the curves, the values and the differences as one HTML page that needs no network."""
        scripts = [plotly_js(), resource("page.js")]
        template = environment().from_string(resource("preview.html.jinja"))
        single = len(self.shapes) == 1
        return template.render(
            title=self.names[0][1] if single else f"{len(self.shapes)} schedules",
            lr=rate(self.lr),
            names=self.names,
            length=self.length,
            rows=self.rows(),
            left_out=self.left_out(),
            differences=self.differences(),
            code=self._code(),
            charts=Markup(script_json({"schedules": self._chart()})),
            scripts=[Markup(script) for script in scripts],
            css=Markup(resource("page.css")),
            still=data_url(svg(self.figure())),
            policy=policy(scripts),
        )

    def _chart(self) -> dict[str, Any]:
        steps = self.steps()
        data = []
        for index, schedule in enumerate(self.schedules):
            line = {"color": _TOKENS[index % len(_TOKENS)], "width": 2}
            data.append(
                {
                    "x": steps.tolist(),
                    "y": schedule(steps).tolist(),
                    "mode": "lines",
                    "line": line,
                    "name": chart_text(self._label(index)),
                    "hovertemplate": "step %{x:,}: %{y:.4g}<extra></extra>",
                    "showlegend": True,
                }
            )
        layout = {
            "xaxis": {"title": {"text": "optimizer step"}, "range": [0, self.length]},
            "yaxis": {"title": {"text": "learning rate"}, "rangemode": "tozero", "exponentformat": "power"},
            "legend": {"orientation": "v", "y": -0.2},
        }
        scales = {"linear": {"yaxis.type": "linear"}, "log": {"yaxis.type": "log"}}
        height = 400 + 22 * len(self.schedules)
        return {"data": data, "layout": layout, "height": height, "scales": scales}

    def _label(self, index: int) -> str:
        letter, text = self.names[index]
        text = text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
        return f"{letter}  {text}" if len(self.shapes) > 1 else text

    def _code(self) -> str:
        lines = ["from rightrate.schedules import parse", ""]
        single = len(self.shapes) == 1
        given = "" if self.lr == 1.0 else f", lr={self.lr!r}"
        lines += [
            f'{"schedule" if single else letter} = parse("{text}"{given})' for letter, text in self.names
        ]
        return "\n".join(lines)


def _places(schedule: Schedule) -> Sequence[tuple[int, str]]:
    """Return the steps that matter, and what they are."""
    last = schedule.total_steps - 1
    marks = schedule.marks()
    shown = marks if len(marks) <= _FIRST + _LAST else (*marks[:_FIRST], *marks[-_LAST:])
    rates = schedule(np.array(shown))
    top = shown[int(np.argmax(rates))]
    found = [(0, "first step")]
    found += [(mark, "peak" if mark == top else "turn") for mark in shown if 0 < mark < last]
    if 0 < last // 2 < last and last // 2 not in shown:
        found.append((last // 2, "middle"))
    if last:
        found.append((last, "last step"))
    return [*found, (last + 1, "after the end")]


def _text(schedule: Schedule) -> str:
    try:
        return schedule.text()
    except ConfigError:  # it, or one inside it, is a class of the user's own
        return repr(schedule)
