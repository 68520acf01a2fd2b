"""The live view of a run that is followed: where it is, its loss, and what was found."""

from typing import TYPE_CHECKING, Literal

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from rightrate.cli.scatter import scatter

if TYPE_CHECKING:
    from rich.console import Console

    from rightrate.cli.watch import Followed

__all__ = ["screen"]

_NARROWEST, _WIDEST = 8, 160
_BESIDE = 20
"""Columns of the panel, the numbers at the axis and its name."""
_COLOURS = {"finding": "yellow", "act": "green", "note": "dim"}


def screen(followed: "Followed", console: "Console", *, ended: str = "") -> Panel:
    """Return what is shown.

    Args:
        followed: What is known of the run.
        console: Where it is shown.
        ended: How the run ended; "" while it goes on.
    """
    from rightrate.cli.watch import event_line

    parts = [Text(followed.line(), style="bold", no_wrap=True, overflow="ellipsis")]
    if len(followed.losses) > 1:
        places, losses = zip(*followed.losses, strict=True)
        positive = min(losses) > 0
        axis: Literal["log", "linear"] = "log" if positive else "linear"
        width = min(_WIDEST, max(_NARROWEST, console.width - _BESIDE))
        chart = scatter([("*", losses)], places=places, axis=axis, width=width, height=10)
        parts += [Text(""), Text("loss", style="dim"), Text(chart)]
    for values in followed.events:
        colour = _COLOURS.get(str(values["what"]), "")
        parts.append(Text(event_line(values), style=colour, no_wrap=True, overflow="ellipsis"))
    state = ended or "running, Ctrl-C to leave"
    return Panel(Group(*parts), title=Text("rightrate watch"), subtitle=Text(state))
