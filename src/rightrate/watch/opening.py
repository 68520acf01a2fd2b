"""Where a run begins, told from its first losses."""

from collections.abc import Callable, Sequence
from statistics import median

__all__ = ["blew_up", "opening_level"]


def blew_up(losses: Sequence[float]) -> bool:
    """Return whether a run blew up within its first losses: none of the latter half is below twice the first.

    Losses that are merely noisy come back to where they were, sooner or later.
    """
    first = losses[0]
    return len(losses) > 1 and min(losses[len(losses) // 2 :]) > first + abs(first)


def opening_level(losses: Sequence[float], middle: Callable[[Sequence[float]], float] = median) -> float:
    """Return the level a run begins at, from its first losses, finite and at least one.

    It is the first loss, or the middle of one half of them, the lower one, if that is higher: a single batch
    may be easy by chance, to a model that was trained before. Where the run blew up it is the first loss.

    Args:
        losses: The first losses.
        middle: The median, or the mean where means are held against the level.

    Example:
        >>> opening_level([0.1, 0.9, 0.5, 0.2, 0.6, 0.4]), opening_level([2.0, 2.0, 1.0, 1.0])
        (0.4, 2.0)
    """
    if len(losses) < 2 or blew_up(losses):
        return losses[0]
    half = len(losses) // 2
    return max(losses[0], min(middle(losses[:half]), middle(losses[half:])))
