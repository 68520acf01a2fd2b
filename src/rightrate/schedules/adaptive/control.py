"""What an adaptive rate is: an explicit state, and one decision for every observation."""

from typing import Protocol, TypeVar

from rightrate.errors import ConfigError, describe

__all__ = ["Control", "reading"]

StateT = TypeVar("StateT")
ObservationT = TypeVar("ObservationT", contravariant=True)


class Control(Protocol[StateT, ObservationT]):
    """A rule that changes the learning rate by what training observes.

    A `Schedule` knows the step only; a control knows what it has seen, and all of that is in its state. The
    state is plain JSON data, so that a run is resumed by writing it down; nothing is kept in the control, and
    the state that `update` is given is not changed. The rate in the state is the one of the last decision.

    To act on top of any schedule, start a control with `init(1.0)`: its rates are then the fraction by which
    `schedule(step)` is multiplied.

    Every observation has an answer, NaN and infinities too, and the rate is always finite and >= 0.
    `rightrate.testing.check_control` checks all of this.

    Example:
        >>> from rightrate.schedules.adaptive import ReduceOnPlateau
        >>> control = ReduceOnPlateau(patience=0, factor=0.5)
        >>> state = control.init(0.1)
        >>> for loss in (2.0, 1.0, 1.5):
        ...     lr, state = control.update(state, loss)
        >>> lr
        0.05
    """

    def init(self, lr: float) -> StateT:
        """Return the state before the first observation, for the learning rate `lr` > 0."""
        ...

    def update(self, state: StateT, observation: ObservationT) -> tuple[float, StateT]:
        """Return the learning rate to go on with, and the state for the next observation."""
        ...


def reading(where: str, value: object) -> float:
    """Return an observed number, which may be NaN or infinite, as a `float`.

    Raises:
        ConfigError: If it is not one number.
    """
    if not isinstance(value, (bool, str, bytes)):
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            pass
    raise ConfigError(describe(where, "one number", value))
