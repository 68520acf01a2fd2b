"""Writes the tables and the pictures of docs/optimizers.md, so that none is older than the code.

python docs/tables.py
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rightrate.descent import Descent, Until, descend, figure
from rightrate.optimizers import CATALOGUE, FORMS, Form, translate
from rightrate.optimizers.rules import NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["fill", "markdown", "pictures", "save", "tables"]

FOLDER = Path(__file__).parent
PAGE = FOLDER / "optimizers.md"

TRANSLATIONS = (
    ("torch.SGD(momentum=0.9)", "keras.SGD(momentum=0.9)"),
    ("torch.SGD(momentum=0.9)", "rules.momentum(form=ema)"),
    ("torch.SGD(momentum=0.9)", "torch.SGD"),
    ("torch.RMSprop", "keras.RMSprop"),
    ("torch.RMSprop", "optax.rmsprop(decay=0.99, eps_in_sqrt=False)"),
    ("torch.Adagrad", "keras.Adagrad"),
    ("torch.Adadelta", "keras.Adadelta(rho=0.9, epsilon=1e-6)"),
    ("torch.Adam", "optax.adam"),
    ("torch.Adam", "keras.Adam(epsilon=1e-8)"),
    ("torch.AdamW", "optax.adamw"),
)
"""What the table of translations shows, as `translate` takes it."""

DESCENTS = (0.004, 0.1, 0.168)
"""Too low, right and too high for `x**2 + 6*y**2`, whose largest curvature is 12."""

_START = (-2.0, 1.2)
_STEPS = 300
_COLOURS = 160
_LEVELS = [0.1, 0.5, 1.5, 3.0, 5.0, 8.0, 12.0, 17.0]
RATES = {
    "gradient descent": 0.1,
    "momentum": 0.02,
    "nesterov": 0.03,
    "adagrad": 0.6,
    "rmsprop": 0.1,
    "adadelta": 10.0,
    "adam": 0.1,
    "adamw": 0.1,
    "adamax": 0.15,
    "nadam": 0.1,
    "radam": 0.1,
    "lion": 0.07,
}
"""At these rates the path of each rule shows what is its own."""


def main() -> None:
    """Write every table and picture."""
    for name, text in tables().items():
        fill(PAGE, name, text)
    for name, (made, said) in pictures().items():
        save(FOLDER / f"{name}.png", made, said)


def tables() -> dict[str, str]:
    """Return each table as Markdown, by the name of its place in the page."""
    return {
        "optimizers": _optimizers(),
        "formulas": _formulas(),
        "defaults": _defaults(),
        "translations": _translations(),
    }


def pictures() -> "dict[str, tuple[Figure, str]]":
    """Return each picture and what it shows as text, by the name of its file."""
    side_by_side = [valley(lr) for lr in DESCENTS]
    all_rules = {name: valley(RATES[name], name) for name in NAMES}
    return {
        "descent": (figure(side_by_side), json.dumps([_said(result) for result in side_by_side])),
        "rules": (_all_rules(all_rules), json.dumps({name: _said(made) for name, made in all_rules.items()})),
    }


def fill(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end -->`.

    Raises:
        SystemExit: If the document has no such place.
    """
    document = path.read_text()
    begin, end = f"<!-- {name} -->\n", "<!-- end -->"
    if begin not in document or end not in document.split(begin, 1)[1]:
        raise SystemExit(f"{path.name} has no place between '{begin.strip()}' and '{end}'.")
    before, rest = document.split(begin, 1)
    path.write_text(f"{before}{begin}{text}\n{end}{rest.split(end, 1)[1]}")


def save(path: Path, made: "Figure", said: str) -> None:
    """Write a picture in few colours, with what it shows as text inside."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    stream, info = io.BytesIO(), PngInfo()
    info.add_text("Description", said)
    made.savefig(stream, format="png", dpi=80)
    Image.open(stream).convert("RGB").quantize(_COLOURS).save(path, optimize=True, pnginfo=info)


def valley(lr: float, rule: str = "gradient descent") -> Descent:
    """Go down `x**2 + 6*y**2` from the start of all pictures."""
    return descend(
        lambda x: float(x[0] ** 2 + 6 * x[1] ** 2),
        _START,
        rule,
        lr,
        until=Until(steps=_STEPS),
        gradient=lambda x: np.array([2 * x[0], 12 * x[1]]),
        names=("x", "y"),
    )


def steps_to_the_floor(result: Descent) -> float:
    """Return after how many steps the value is, for good, below a hundredth of that at the start."""
    above = np.flatnonzero(~(result.values <= 0.01 * result.values[0]))
    return float(above[-1] + 1) if above[-1] + 1 < len(result.values) else np.inf


def _said(result: Descent) -> dict[str, object]:
    steps = steps_to_the_floor(result)
    return {
        "lr": result.question.lr_text,
        "status": result.status,
        "steps": None if np.isinf(steps) else int(steps),
    }


def _all_rules(descents: dict[str, Descent]) -> "Figure":
    from matplotlib.figure import Figure

    made = Figure(figsize=(13.5, 8.4), facecolor="white", layout="constrained")
    grid = made.subplots(3, 4, sharex=True, sharey=True).ravel()
    xs, ys = np.linspace(-2.6, 2.6, 121), np.linspace(-1.6, 1.6, 121)
    heights = xs[None, :] ** 2 + 6 * ys[:, None] ** 2
    for axes, (name, result) in zip(grid, descents.items(), strict=True):
        steps = int(steps_to_the_floor(result))
        path = result.path[: steps + 1]
        axes.contour(xs, ys, heights, levels=_LEVELS, colors="#c3cad5", linewidths=0.7)
        axes.plot(path[:, 0], path[:, 1], "o-", color="#0b63a5", linewidth=1.2, markersize=3)
        axes.plot(*path[0], "s", color="#1b2330", markersize=5)
        axes.plot(0, 0, "+", color="#1b2330", markersize=9)
        axes.set_title(f"{name}: {steps} steps at lr {result.question.lr_text}", fontsize=11, color="#1b2330")
        axes.set_xlim(-2.6, 2.6)
        axes.set_ylim(-1.6, 1.6)
        axes.tick_params(labelsize=8, colors="#667085")
        for side in axes.spines.values():
            side.set_color("#d5dae2")
    return made


def _optimizers() -> str:
    head = ("name", "what it does", "default lr", "where to look", "numbers kept", "side by side")
    rows = []
    for info in CATALOGUE.values():
        low, high = info.search_range
        together = "yes" if info.stackable else "no"
        kept = str(info.state_floats)
        where = f"{_number(low)} to {_number(high)}"
        rows.append((f"`{info.name}`", info.summary, _number(info.default_lr), where, kept, together))
    return markdown(head, rows)


def _formulas() -> str:
    rows = [
        (f"`{info.name}`", "<br>".join(f"`{line}`" for line in info.formula.split("; ")))
        for info in CATALOGUE.values()
    ]
    return markdown(("name", "one step"), rows)


def _defaults() -> str:
    kinds = list(dict.fromkeys(form.name.lower() for form in FORMS.values()))
    rows = []
    for kind in kinds:
        by_framework = {form.framework: form for form in FORMS.values() if form.name.lower() == kind}
        cells = [_form(by_framework.get(framework)) for framework in ("torch", "keras", "optax")]
        rows.append((next(iter(by_framework.values())).name, *cells))
    return markdown(("optimizer", "torch", "Keras", "optax"), rows)


def _form(form: Form | None) -> str:
    if form is None:
        return "has none"
    rate = "no default" if form.lr is None else f"**{_number(form.lr)}**"
    settings = [f"`{key}` {_number(value)}" for key, value in form.settings.items()]
    return ", ".join([f"lr {rate}" if form.lr is not None else rate, *settings])


def _number(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_number(item) for item in value)})"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return np.format_float_scientific(value, trim="-", exp_digits=1) if 0 < value < 1e-3 else f"{value:g}"


def _translations() -> str:
    rows = []
    for source, target in TRANSLATIONS:
        result = translate(1.0, source, target)
        exact = "yes" if result.exact else "no"
        notes = " ".join(result.notes).replace("|", "\\|") or "-"
        rows.append((f"`{source}`", f"`{target}`", f"{result.lr:g}", exact, notes))
    return markdown(("a rate for", "in", "times", "exact", "notes"), rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


if __name__ == "__main__":
    main()
