"""Writes docs/detectors.md from the detectors, so that it is not older than the code.

python docs/detectors.py
"""

import inspect
import re
from pathlib import Path

from rightrate.watch.detectors import DETECTORS

__all__ = ["page", "text_of"]

PAGE = Path(__file__).parent / "detectors.md"

_INTRODUCTION = """# What the watcher finds

Written by `python docs/detectors.py` from the detectors themselves
([`src/rightrate/watch/detectors/`](../src/rightrate/watch/detectors/)), one a file.

Each is a pure function of what it remembers and of the next block: 32 observations in a row, fewer where a
loss is not finite. What it remembers is plain JSON data of bounded size. A block brings losses, rates,
validations, samples of gradients and updates, what is known of the run, and the course of the loss so far in
at most 128 parts.

What it is told makes it surer: `total_steps=`, `chance_loss=` (the loss of the best constant prediction, such
as the logarithm of the number of classes), `full_batch=True`.

Confidence is a number in [0, 1]. In `act` only findings that are at least 0.8 sure are acted upon.

How right they are on 675 recorded runs: [the measurement](../benchmarks/results/watch-detectors.md),
`python -m benchmarks.watch --records FOLDER`.
"""

_ADD = """
## One of your own

A class with `init()` and `update(state, block)` ([the contract](../src/rightrate/watch/detector.py)), in a
file of its own, and a line in `DETECTORS`. Trends and levels are those of `block.course`; `once` says a
verdict once.
"""


def text_of(name: str) -> str:
    """Return what a detector's docstring says, as Markdown."""
    text = inspect.getdoc(type(DETECTORS[name])) or ""
    text = re.sub(r"^(References|Args):\n((?:    .*\n?)+)", _section, text, flags=re.MULTILINE)
    return text.replace("\\\\", "\\").rstrip()


def _section(match: "re.Match[str]") -> str:
    rows = " ".join(line.strip() for line in match[2].splitlines())
    return f"{match[1]}: {rows}"


def page() -> str:
    """Return the whole page."""
    parts = [f"## {name}\n\n{text_of(name)}\n" for name in DETECTORS]
    return "\n".join([_INTRODUCTION, *parts]) + _ADD


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
