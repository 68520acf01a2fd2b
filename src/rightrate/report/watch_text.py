"""A watched run in a few lines."""

from rightrate.report.text import count, rate, value
from rightrate.report.watch_view import WatchView

__all__ = ["watch_summary"]

_SHOWN = 12


def watch_summary(view: WatchView) -> str:
    """Return what was seen and done, as plain text.

    Example:
        >>> about = {"name": "run", "mode": "observe", "step": 40, "total_steps": 40, "multiplier": 1.0}
        >>> point = {"step": 39, "mean": 0.25, "low": 0.2, "high": 0.3}
        >>> curves = {"loss": [point], "lr": [{**point, "mean": 0.1}]}
        >>> print(watch_summary(WatchView(about=about, curves=curves)))
        run: 40 of 40 steps, loss 0.25, lr 0.1
        Nothing was wrong as far as the watcher saw.
    """
    about = view.about
    total = about.get("total_steps")
    parts = [f"{about['name']}: {count(about['step'])}" + (f" of {count(total)}" if total else "") + " steps"]
    for name in ("loss", "validation"):
        points = view.curves.get(name)
        if points:
            parts.append(f"{name} {value(points[-1]['mean'])}")
    if view.last_rate is not None:
        parts.append(f"lr {rate(view.last_rate)}")
    lines = [", ".join(parts)]
    if about.get("multiplier", 1.0) != 1.0:
        lines.append(f"The watcher multiplies the rate by {about['multiplier']:.3g}.")
    if about.get("extra_forwards"):
        forwards, seconds = count(about["extra_forwards"]), about["extra_seconds"]
        lines.append(f"Measuring curvature took {forwards} forward passes more, {seconds:.2g} s.")
    for row in view.findings[-_SHOWN:]:
        lines.append(f"step {count(row['step'])}: {row['text']}")
        lines += [f"  {row['advice']}"] if row.get("advice") else []
    if not view.curves.get("loss"):
        lines.append("It saw no losses: call observe(loss) at every step, inside of the with block.")
    elif not view.findings and not view.acts:
        lines.append("Nothing was wrong as far as the watcher saw.")
    lines += [f"step {count(row['step'])}: {row['text']}" for row in view.acts[-_SHOWN:]]
    if about.get("stop_reason"):
        lines.append(f"It asked to stop: {about['stop_reason']}.")
    lines += [f"note, step {count(row['step'])}, {row['text']}" for row in view.notes[-_SHOWN:]]
    return "\n".join(lines)
