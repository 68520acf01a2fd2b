"""The page of a watched run: one HTML file that needs no network."""

import os
import secrets
from pathlib import Path

from markupsafe import Markup

from rightrate.errors import ConfigError, describe
from rightrate.report.self_contained import environment, plotly_js, policy, resource, script_json
from rightrate.report.watch_charts import watch_charts
from rightrate.report.watch_view import WatchView

__all__ = ["save_watch", "watch_page"]


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
        last={name: points[-1]["mean"] for name, points in view.curves.items() if points},
        charts=Markup(script_json(charts)),
        scripts=[Markup(script) for script in scripts],
        css=Markup(resource("page.css")),
        policy=policy(scripts),
    )


def _headline(view: WatchView) -> str:
    """Return what came out of it, in a word or a few."""
    if view.about.get("stop_reason"):
        return "stopped"
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
    where, target = "save_report(path=...)", Path(path)
    if target.exists() and not target.is_file():
        raise ConfigError(describe(where, "a file", str(path), "Name a file in it, such as watch.html."))
    if not target.parent.is_dir():
        raise ConfigError(describe(where, "in a folder that exists", str(path), "Make the folder first."))
    whole = target.resolve()
    temporary = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            temporary.write_text(watch_page(view), encoding="utf-8", errors="replace", newline="\n")
            temporary.replace(whole)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        allowed, advice = "a file that can be written", f"{error.strerror or error}."
        raise ConfigError(describe(where, allowed, str(path), advice)) from error
    return target
