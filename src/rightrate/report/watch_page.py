"""The page of a watched run: one HTML file that needs no network."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rightrate.report.place import write_page
from rightrate.report.self_contained import environment, plotly_js, policy, resource, script_json
from rightrate.report.watch_charts import watch_charts
from rightrate.report.watch_view import WatchView

__all__ = ["save_watch", "watch_page"]

_LIKELY = 0.5
_LOST = ("non_finite", "collapsed", "diverging")


def watch_page(view: WatchView) -> str:
    """Return a watched run as one HTML page; like all pages of ours it loads nothing from anywhere.

    It shows the loss, what was found and when, the rate that was applied with marks for who changed it and
    why, and the norms of gradients and updates, all over the same steps.
    """
    scripts = [plotly_js(), resource("page.js")]
    charts = watch_charts(view)
    template = environment().from_string(resource("watch.html.jinja"))
    return template.render(
        view=view,
        about=view.about,
        names=list(charts),
        headline=_headline(view),
        gravest=_gravest(view),
        last={name: points[-1]["mean"] for name, points in view.curves.items() if points},
        rate=view.last_rate,
        act=_largest(view),
        charts=Markup(script_json(charts)),
        scripts=[Markup(script) for script in scripts],
        css=Markup(resource("page.css")),
        policy=policy(scripts),
    )


def _gravest(view: WatchView) -> Mapping[str, Any] | None:
    """Return the finding to begin with: of a lost run, why it is lost; otherwise the newest."""
    for verdict in _LOST:
        likely = (row for row in view.findings if row["confidence"] >= _LIKELY)
        lost = [row for row in likely if row["verdict"] == verdict]
        if lost:
            return lost[-1]
    return view.findings[-1] if view.findings else None


def _largest(view: WatchView) -> Mapping[str, Any] | None:
    """Return the act to begin with: the newest that is more than a step that was skipped, if there is one."""
    more = [row for row in view.acts if row["kind"] != "skip"]
    return next(reversed(more or view.acts), None)


def _headline(view: WatchView) -> str:
    """Return what came out of it, in a word or a few."""
    if view.about.get("stop_reason"):
        return "stopped"
    if not view.curves.get("loss"):
        return "no losses seen"
    kinds = list(dict.fromkeys(str(row["verdict"]).replace("_", " ") for row in view.findings))
    if not kinds:
        return "mended" if view.acts else "nothing found"
    return kinds[0] if len(kinds) == 1 else f"{len(kinds)} kinds of findings"


def save_watch(view: WatchView, path: str | os.PathLike[str]) -> Path:
    """Write the page to a file, which appears whole or not at all, and return its path.

    Args:
        view: What to report.
        path: The file to write, in a folder that exists; one that is there already is replaced.

    Raises:
        ConfigError: If the folder does not exist, the path is a folder, or it cannot be written.
    """
    return write_page("save_report(path=...)", path, lambda: watch_page(view))
