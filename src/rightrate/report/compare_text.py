"""What a comparison says about its contenders, in words."""

from rightrate.report.text import value
from rightrate.search.compare_record import CompareSettings, Contender, Difference

__all__ = ["chance_text", "contender_text", "differs_text"]

_RARE = 0.05


def contender_text(settings: CompareSettings, contender: Contender) -> str:
    """Return what to call a contender: only what varied is named, the optimizer where nothing did."""
    if len(settings.schedules) == 1:
        return contender.optimizer
    if len(settings.optimizers) == 1:
        return contender.schedule
    return f"{contender.optimizer}, {contender.schedule}"


def differs_text(settings: CompareSettings, difference: Difference) -> str:
    """Return in one sentence whether two contenders differ by more than their seeds do."""
    better = contender_text(settings, difference.better)
    worse = contender_text(settings, difference.worse)
    between = f"95 % interval {value(difference.low)} to {value(difference.high)}"
    lead = f"{better} leads {worse} by {value(difference.mean)} ({between})"
    return f"{lead}: {chance_text(difference, len(settings.seeds))}."


def chance_text(difference: Difference, seeds: int) -> str:
    """Return what the seeds say about a difference, and what so few of them cannot say."""
    if not difference.apart:
        return f"within the noise of {seeds} seeds, so they are not told apart"
    if difference.chance <= _RARE:
        return f"more than the noise of {seeds} seeds"
    return (
        f"the same way in all {seeds} seeds, which chance alone does once in {round(1 / difference.chance)} "
        "times; six seeds or more could exclude it"
    )
