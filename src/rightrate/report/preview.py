"""Schedules beside each other: the values at the places that matter, a picture, and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from markupsafe import Markup

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.report.curves import AFTER, Steps, drawn, lowest, plot, sampled
from rightrate.report.picture import svg
from rightrate.report.self_contained import data_url, environment, plotly_js, policy, resource, script_json
from rightrate.report.text import chart_text, rate
from rightrate.schedules import Schedule, shape_name
from rightrate.schedules.differences import Difference, differences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LETTERS", "Preview", "Row"]

LETTERS = "abcdefghij"

_INK = "#1b2330"
_TOKENS = ("@data", "@fail", "@good", "@second", "@rates:0", "@rates:0.5", "@muted", "@ink")
_FIRST, _LAST = 6, 2
_WIDEST, _HALF = 84, 48


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
        return tuple((letter, shape_name(shape)) for letter, shape in zip(LETTERS, self.shapes, strict=False))

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

    @property
    def turns_left_out(self) -> bool:
        """Whether a rate turns at more places than `rows` shows."""
        return any(len(schedule.marks()) > _FIRST + _LAST for schedule in self.schedules)

    def steps(self) -> Steps:
        """Return the steps at which any of the schedules is drawn, ascending."""
        return np.unique(np.concatenate([sampled(schedule) for schedule in self.schedules]))

    def differences(self) -> tuple[Difference, ...]:
        """Return what other libraries do differently under these names."""
        found = [item for schedule in self.schedules for item in differences(schedule)]
        return tuple(dict.fromkeys(found))

    def figure(self, axis: Literal["log", "linear"] = "linear") -> "Figure":
        """Return the curves as a matplotlib figure; what is held after an end is dotted.

        It is made without pyplot: nothing global is changed, and no window opens.
        """
        from matplotlib.figure import Figure

        single = len(self.shapes) == 1
        labels = [self._label(index) for index in range(len(self.shapes))]
        columns = 2 if len(labels) > 3 and max(map(len, labels)) <= _HALF else 1
        height = 4.4 if single else 4.2 + 0.2 * -(-len(labels) // columns)
        made = Figure(figsize=(8.6, height), dpi=110, facecolor="white", layout="constrained")
        axes = made.add_subplot(facecolor="white")
        plot(axes, self.schedules, labels, axis)
        axes.set_xlabel("optimizer step (dotted: held after the end)", color=_INK)
        axes.set_ylabel("learning rate", color=_INK)
        if single:
            given = "" if self.lr == 1.0 else f", lr {rate(self.lr)}"
            axes.set_title(labels[0] + given, loc="left", fontsize=11, color=_INK, parse_math=False)
        else:
            legend = made.legend(
                loc="outside lower left", ncols=columns, frameon=False, fontsize=9, labelcolor=_INK
            )
            for text in legend.get_texts():
                text.set_parse_math(False)
        return made

    def page(self, axis: Literal["log", "linear"] = "linear") -> str:
        """Return the curves, the values and the differences as one HTML page that needs no network.

        Args:
            axis: The axis of the rates at the start; the page has a switch.
        """
        scripts = [plotly_js(), resource("page.js")]
        template = environment().from_string(resource("preview.html.jinja"))
        single = len(self.shapes) == 1
        return template.render(
            title=self.names[0][1] if single else f"{len(self.shapes)} schedules",
            lr=rate(self.lr),
            names=self.names,
            length=self.length,
            rows=self.rows(),
            turns_left_out=self.turns_left_out,
            differences=self.differences(),
            code=self._code(),
            charts=Markup(script_json({"schedules": self._chart(axis)})),
            scripts=[Markup(script) for script in scripts],
            css=Markup(resource("page.css")),
            still=data_url(svg(self.figure(axis))),
            policy=policy(scripts),
        )

    def _chart(self, axis: Literal["log", "linear"]) -> dict[str, Any]:
        data: list[dict[str, Any]] = []
        until = round(AFTER * self.length)
        single = len(self.shapes) == 1
        for index, schedule in enumerate(self.schedules):
            name = chart_text(self._label(index))
            shared = {"mode": "lines", "name": name, "legendgroup": name}
            for dash, (steps, rates) in zip(("solid", "dot"), drawn(schedule, until), strict=True):
                line = {"color": _TOKENS[index % len(_TOKENS)], "width": 2, "dash": dash}
                hover = "step %{x:,}: %{y:.4g}" + (" (held)" if dash == "dot" else "") + "<extra></extra>"
                points = {"x": steps.tolist(), "y": rates.tolist(), "hovertemplate": hover}
                data.append({**shared, **points, "line": line, "showlegend": dash == "solid" and not single})
        highest = max(schedule.peak for schedule in self.schedules)
        ends = np.log10([lowest(self.schedules) / 1.5, 1.5 * highest]).tolist()
        layout = {
            "xaxis": {
                "title": {"text": "step (dotted: held after the end)"},
                "range": [0, until],
                "exponentformat": "B",
                "minexponent": 6,
                "separatethousands": True,
            },
            "yaxis": {"title": {"text": "learning rate"}, "exponentformat": "power"},
            "legend": {"orientation": "v", "y": -0.2},
            "margin": {"t": 12},
        }
        scales = {
            "linear": {"yaxis.type": "linear", "yaxis.range": [0.0, 1.05 * highest]},
            "log": {"yaxis.type": "log", "yaxis.range": ends},
        }
        height = 372 + (0 if single else 22 * len(self.schedules))
        return {"data": data, "layout": layout, "height": height, "scales": scales, "scale": axis}

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
