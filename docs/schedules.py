"""Writes the tables and the pictures of docs/schedules.md, so that none is older than the code.

python -m docs.schedules
"""

import json
import shlex
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from docs.tables import FOLDER, fill, markdown, save
from tests.schedules.frameworks import conventions
from typer.testing import CliRunner

from rightrate.cli.app import app
from rightrate.errors import ConfigError
from rightrate.report.curves import plot
from rightrate.report.preview import Preview
from rightrate.schedules import NAMES, Schedule, parse
from rightrate.schedules.adaptive import BackOff, Control, CoolDown, Hypergradient, ReduceOnPlateau

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CONTROLS", "EXAMPLES", "pictures", "tables"]

PAGE = FOLDER / "schedules.md"

EXAMPLES = {
    "constant": "constant(100, warmup_steps=10)",
    "linear": "linear(100, warmup_steps=10)",
    "cosine": "cosine(100, warmup_steps=10)",
    "cosine_restarts": "cosine_restarts(100, cycle_steps=15, growth=2)",
    "one_cycle": "one_cycle(100)",
    "wsd": "wsd(100, warmup_steps=10, cooldown_steps=20)",
    "rex": "rex(100)",
    "polynomial": "polynomial(100, power=2)",
    "exponential": "exponential(100, decay_steps=30, rate=0.5)",
    "inverse_time": "inverse_time(100, decay_steps=20)",
    "inverse_sqrt": "inverse_sqrt(100, warmup_steps=10)",
    "step": "step(100, every_steps=25, factor=0.5)",
    "multi_step": "multi_step(100, milestones=[50, 80], factor=0.3)",
    "piecewise": "piecewise(40: 1, 70: 0.5, 100: 0.1)",
    "triangular": "triangular(100, half_cycle_steps=20)",
    "triangular2": "triangular2(100, half_cycle_steps=20)",
    "exp_range": "exp_range(100, half_cycle_steps=20, gamma=0.98)",
    "warmup": "warmup(100)",
    "exponential_warmup": "exponential_warmup(100)",
    "cosine_warmup": "cosine_warmup(100)",
    "sequence": "warmup(20) + cosine(80)",
    "scaled": "scaled(linear(100), 0.5)",
    "clipped": "clipped(linear(100), low=0.2, high=0.8)",
    "shifted": "shifted(cosine(100), 30)",
    "restarted": "restarted(linear(25), 4)",
    "per_epoch": "per_epoch(step(10, every_steps=3, factor=0.5), 10)",
}
"""How each is written, for its row and its picture."""

CHOICES = (
    "constant(1000, warmup_steps=50)",
    "linear(1000, warmup_steps=50)",
    "cosine(1000, warmup_steps=50)",
    "wsd(1000, warmup_steps=50, cooldown_steps=200)",
    "one_cycle(1000)",
)
"""What most runs choose from."""

CONTROLS: tuple[tuple[Control[Any, float], str], ...] = (
    (
        ReduceOnPlateau(patience=5, factor=0.5, threshold=0.01),
        "a validation metric, once an epoch or at equal distances",
    ),
    (Hypergradient(rate=0.001), "the dot product of a gradient with the one before it"),
    (CoolDown(cooldown_steps=20), "above 0: cool down now"),
    (BackOff(factor=0.25, recover_steps=25), "above 0, or not finite: an alarm"),
)
"""Rules that follow training, and what they observe."""

_BAD = "warmup(200) + cosin(1800)"
_INK, _MUTED, _DATA = "#1b2330", "#98a2b3", "#0b63a5"
_COMBINATORS = len(EXAMPLES) - 6


def main() -> None:
    """Write every table and picture."""
    every = {**tables(), "conventions": conventions.conventions(conventions.answers())}
    for name, text in every.items():
        fill(PAGE, name, text)
    for name, (made, said) in pictures().items():
        save(FOLDER / f"{name}.png", made, said)


def tables() -> dict[str, str]:
    """Return each table and output, by the name of its place, but that of the frameworks, which is slow."""
    return {"kinds": _kinds(), "preview": _preview(), "mistake": _mistake(), "controls": _controls()}


def pictures() -> "dict[str, tuple[Figure, str]]":
    """Return each picture and what it shows as text, by the name of its file."""
    texts = list(EXAMPLES.values())
    choices = Preview(shapes=tuple(parse(text) for text in CHOICES)).figure()
    return {
        "choices": (choices, _said(CHOICES)),
        "schedules": (_small(texts[:_COMBINATORS], columns=4), _said(texts[:_COMBINATORS])),
        "combinators": (_small(texts[_COMBINATORS:], columns=3), _said(texts[_COMBINATORS:])),
        "controls": _followed(),
    }


def _said(texts: Sequence[str]) -> str:
    """Return the rates at eleven steps of each schedule."""
    rates = {}
    for text in texts:
        schedule = parse(text)
        steps = np.linspace(0, schedule.total_steps - 1, 11).round()
        rates[text] = [round(float(lr), 9) for lr in schedule(steps)]
    return json.dumps(rates)


def _small(texts: Sequence[str], *, columns: int) -> "Figure":
    """Draw each schedule into axes of its own; what a combinator has inside is grey."""
    from matplotlib.figure import Figure

    rows = -(-len(texts) // columns)
    made = Figure(figsize=(13.5, 2.5 * rows), facecolor="white", layout="constrained")
    for axes, text in zip(made.subplots(rows, columns).ravel(), texts, strict=True):
        schedule = parse(text)
        plot(axes, [schedule], [text], "linear")
        inside = getattr(schedule, "schedule", None)
        if isinstance(inside, Schedule):
            steps = np.arange(inside.total_steps)
            axes.plot(steps, inside(steps), color=_MUTED, linewidth=1.2, linestyle="--", zorder=1)
        axes.set_xlim(0, 104)
        axes.set_ylim(0, 1.08)
        axes.set_yticks([0, 0.5, 1])
        axes.set_title("\n".join(textwrap.wrap(text, 40)), fontsize=10.5, color=_INK)
    return made


def _kinds() -> str:
    rows = [
        (f"`{name}`", f"`{kind.__name__}`", f"`{EXAMPLES[name]}`", str(kind.__doc__).splitlines()[0])
        for name, kind in NAMES.items()
    ]
    return markdown(("name", "class", "such as", "what it is"), rows)


def _preview() -> str:
    arguments = ["warmup(200) + cosine(1800)", "--lr", "3e-4"]
    done = CliRunner().invoke(app, ["preview", *arguments], catch_exceptions=False)
    shown = " ".join(f'"{word}"' if shlex.quote(word) != word else word for word in arguments)
    return f"```\n$ rightrate preview {shown}\n{done.stdout.rstrip()}\n```"


def _mistake() -> str:
    try:
        parse(_BAD)
    except ConfigError as error:
        return f"```\n{error}\n```"
    raise SystemExit(f"{_BAD!r} is no mistake.")


def _controls() -> str:
    rows = []
    for control, observes in CONTROLS:
        kind = type(control)
        rows.append((f"`{kind.__name__}`", str(kind.__doc__).splitlines()[0], observes))
    return markdown(("class", "what it does", "what it observes"), rows)


def _followed() -> "tuple[Figure, str]":
    """Draw what each control observes, and the rates it answers with."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(13.5, 6.4), facecolor="white", layout="constrained")
    said = {}
    runs = (_plateau, _hypergradient, _cool_down, _back_off)
    for axes, (control, _), run in zip(made.subplots(2, 2).ravel(), CONTROLS, runs, strict=True):
        name, observed, rates = run(control)
        _beside(axes, observed, rates, name)
        axes.set_title(_short_name(control), fontsize=11, color=_INK)
        said[type(control).__name__] = [round(lr, 9) for lr in rates[::10]]
    return made, json.dumps(said)


def _short_name(control: Control[Any, float]) -> str:
    """Return how a control is written, without the fields that have their defaults."""
    kind: Any = type(control)
    given = [
        f"{name}={getattr(control, name)}"
        for name, field in kind.__dataclass_fields__.items()
        if getattr(control, name) != field.default
    ]
    return f"{kind.__name__}({', '.join(given)})"


def _beside(axes: "Axes", observed: Sequence[float], rates: Sequence[float], name: str) -> None:
    other = axes.twinx()
    other.plot(observed, color=_MUTED, linewidth=1.3)
    other.set_ylabel(name, color=_MUTED)
    other.set_ylim(0, 1.08 * max(observed))
    other.tick_params(labelsize=8, colors=_MUTED)
    axes.plot(rates, color=_DATA, linewidth=2.0)
    axes.set_ylim(0, 1.08 * max(rates))
    axes.set_xlim(0, len(rates) - 1)
    axes.set_xlabel("step", color=_INK, fontsize=9)
    axes.set_ylabel("learning rate", color=_DATA)
    axes.tick_params(labelsize=8, colors=_INK)
    for side in (*axes.spines.values(), *other.spines.values()):
        side.set_color("#d5dae2")
    axes.set_zorder(other.get_zorder() + 1)
    axes.set_facecolor("none")


Run = tuple[str, list[float], list[float]]


def _played(
    control: Control[Any, float], lr: float, observe: Callable[[float], float], steps: int
) -> list[float]:
    """Return the rate of each step; `observe` takes a step's rate and returns what is seen after it."""
    state, rates = control.init(lr), []
    for _ in range(steps):
        rates.append(lr)
        lr, state = control.update(state, observe(lr))
    return rates


def _plateau(control: Control[Any, float]) -> Run:
    losses = [2.0]

    def observe(lr: float) -> float:
        losses.append(losses[-1] + 0.15 * (6 * lr - losses[-1]))
        return losses[-1]

    rates = _played(control, 0.1, observe, 100)
    return "loss", losses[:-1], rates


def _hypergradient(control: Control[Any, float]) -> Run:
    curvature, place = np.array([1.0, 4.0]), np.array([1.0, 1.0])
    gradients, losses = [curvature * place], [float(curvature @ place**2) / 2]

    def observe(lr: float) -> float:
        nonlocal place
        place = place - lr * gradients[-1]
        gradients.append(curvature * place)
        losses.append(float(curvature @ place**2) / 2)
        return float(gradients[-1] @ gradients[-2])

    rates = _played(control, 0.001, observe, 100)
    return "loss", losses[:-1], rates


def _cool_down(control: Control[Any, float]) -> Run:
    told: list[float] = []

    def observe(lr: float) -> float:
        told.append(float(len(told) == 69))
        return told[-1]

    rates = _played(control, 0.1, observe, 100)
    return "told", told, rates


def _back_off(control: Control[Any, float]) -> Run:
    alarms: list[float] = []

    def observe(lr: float) -> float:
        alarms.append(float(len(alarms) in (19, 49, 54)))
        return alarms[-1]

    rates = _played(control, 0.1, observe, 100)
    return "alarm", alarms, rates


if __name__ == "__main__":
    main()
