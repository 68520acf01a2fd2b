"""When a descent ends."""

from dataclasses import dataclass

from rightrate import _check

__all__ = ["Until"]


@dataclass(frozen=True, kw_only=True)
class Until:
    """When a descent ends: at a gradient near zero, or after so many steps.

    The gradient is near zero where its norm is at most `max(absolute, relative * norm at the start)`.

    Args:
        steps: The most steps that are taken, >= 1.
        absolute: A gradient norm, >= 0.
        relative: A fraction of the gradient norm at the start, in [0, 1].

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> Until(steps=50).limit(0.5)
        5e-07
    """

    steps: int = 1000
    absolute: float = 1e-8
    relative: float = 1e-6

    def __post_init__(self) -> None:
        _check.keep(self, steps=_check.integer("Until(steps=...)", self.steps, low=1))
        _check.keep(self, absolute=_check.number("Until(absolute=...)", self.absolute, low=0.0))
        _check.keep(self, relative=_check.number("Until(relative=...)", self.relative, low=0.0, high=1.0))

    def limit(self, start: float) -> float:
        """Return the gradient norm that counts as near zero, given the one at the start."""
        return max(self.absolute, self.relative * start)
