"""The checks that every adaptive rate passes."""

import json
import math
from collections.abc import Iterable
from typing import Any

from rightrate.schedules.adaptive import Control
from rightrate.testing.conformance import ConformanceError, plain_json

__all__ = ["check_control"]


def check_control(control: Control[Any, float], observations: Iterable[float], *, lr: float = 0.1) -> None:
    """Raise `ConformanceError` where an adaptive rate breaks the contract of `Control`.

    The contract: the state is plain JSON data and is not changed by a decision; a decision from its JSON is
    the same; the rate is finite and at least 0, whatever is observed.

    Args:
        control: The rule to check.
        observations: What it observes, one after the other; NaN and both infinities are put after them.
        lr: The learning rate it starts with, > 0.

    Raises:
        ConformanceError: If the contract is broken.

    Example:
        >>> from rightrate.schedules.adaptive import ReduceOnPlateau
        >>> check_control(ReduceOnPlateau(patience=2), [1.0, 0.5, 0.5, 0.5, 0.5])
    """
    state = control.init(lr)
    for seen in (*observations, math.nan, math.inf, -math.inf):
        before = plain_json(control, state)
        rate, after = control.update(state, seen)
        if plain_json(control, state) != before:
            raise ConformanceError(f"{control!r} changes the state it was given.")
        again, after_again = control.update(json.loads(before), seen)
        if again != rate or plain_json(control, after_again) != plain_json(control, after):
            raise ConformanceError(
                f"{control!r} decides differently from the same state, read back from JSON."
            )
        if not 0 <= rate < math.inf:
            raise ConformanceError(f"{control!r} gives the rate {rate!r} after it has observed {seen!r}.")
        state = after
