"""From the analysis to the answer in plain sentences."""

from collections.abc import Sequence

from rightrate.report.compare_text import contender_text, differs_text
from rightrate.report.text import rate, value
from rightrate.search.compare_record import Best, CompareAnalysis, CompareAnswer, CompareSettings

__all__ = ["conclude"]


def conclude(
    settings: CompareSettings, analysis: CompareAnalysis, *, interrupted: bool, planned: int
) -> CompareAnswer:
    """Return the status, the answer in one sentence, and why.

    Args:
        settings: What was asked.
        analysis: What the trials say.
        interrupted: Whether it was stopped before its end.
        planned: How many seeds were asked for.
    """
    reasons = [*_finds(settings), *settings.run.notes]
    if not analysis.best:
        message = (
            "Stopped before the first seed was trained." if interrupted else "There was nothing to train."
        )
        status = "interrupted" if interrupted else "diverged"
        return CompareAnswer(status=status, message=message, reasons=tuple(reasons))  # type: ignore[arg-type]
    if interrupted:
        reasons.insert(0, f"Stopped: {len(settings.seeds)} of {planned} seeds are compared.")
    best = analysis.best[0]
    if _untrained(analysis, best):
        message = f"Nothing trains: no validation {settings.run.objective} is better than untrained."
        status = "interrupted" if interrupted else "diverged"
        return CompareAnswer(status=status, message=message, reasons=tuple(reasons))  # type: ignore[arg-type]
    status = "interrupted" if interrupted else "edge" if best.edge else "found"
    return CompareAnswer(
        status=status,  # type: ignore[arg-type]
        message=_message(settings, analysis.best),
        reasons=(
            *_seeds(settings, analysis),
            *_tables(settings, analysis),
            *_edges(settings, analysis),
            *reasons,
        ),
    )


def _untrained(analysis: CompareAnalysis, best: Best) -> bool:
    reading = analysis.reading(best.contender, best.lr)
    return reading is None or reading.regret >= 1


def _message(settings: CompareSettings, best: Sequence[Best]) -> str:
    first = best[0]
    seeds = len(settings.seeds)
    measured = f"validation {settings.run.objective} {value(first.mean)}"
    measured += f", mean of {seeds} seeds" if seeds > 1 else ", one seed"
    said = f"{contender_text(settings, first.contender)} at {rate(first.lr)} is best: {measured}"
    if len(best) > 1:
        second = best[1]
        said += f"; next is {contender_text(settings, second.contender)} at {rate(second.lr)}"
        said += f" with {value(second.mean)}"
    return f"{said}."


def _seeds(settings: CompareSettings, analysis: CompareAnalysis) -> tuple[str, ...]:
    if len(settings.seeds) == 1:
        return ("One seed was trained, so nothing is known of what chance does; three or more would tell.",)
    if not analysis.differences:
        return ()
    return (differs_text(settings, analysis.differences[0]),)


def _tables(settings: CompareSettings, analysis: CompareAnalysis) -> tuple[str, ...]:
    """Say where the table at one rate for all has another winner than that at each one's own best rate."""
    if len(analysis.best) < 2 or not analysis.shared_lrs:
        return ()
    sign = 1 if settings.run.direction == "min" else -1
    others = []
    for lr in analysis.shared_lrs:
        at = [item for item in analysis.readings if item.lr == lr and item.mean == item.mean]
        winner = min(at, key=lambda item: sign * item.mean, default=None)
        if winner is not None and winner.contender != analysis.best[0].contender:
            others.append(f"at {rate(lr)} it is {contender_text(settings, winner.contender)}")
    if not others:
        return ()
    first = contender_text(settings, analysis.best[0].contender)
    return (
        f"With each at its own best rate {first} leads; at one rate for all others do: {', '.join(others)}.",
    )


def _edges(settings: CompareSettings, analysis: CompareAnalysis) -> tuple[str, ...]:
    edges = [contender_text(settings, item.contender) for item in analysis.best if item.edge]
    if not edges:
        return ()
    return (
        f"Best at the end of the rates that were tried, so a better one may lie beyond: {', '.join(edges)}.",
    )


def _finds(settings: CompareSettings) -> list[str]:
    return [
        f"No rate was found for {contender_text(settings, item.contender)}: {item.message}"
        for item in settings.found
        if item.lr is None
    ]
