"""Validation of arguments, each check one line at the place of use."""

import math
import operator
from collections.abc import Collection

from rightrate.errors import ConfigError, describe

__all__ = ["choice", "integer", "keep", "number"]


def integer(where: str, value: object, *, low: int, advice: str = "") -> int:
    """Return `value` as an `int` of at least `low`, or raise `ConfigError`.

    Example:
        >>> integer("find(steps=...)", 10, low=1)
        10
    """
    allowed = f"an integer >= {low}"
    if isinstance(value, bool):
        raise ConfigError(describe(where, allowed, value, advice))
    try:
        number_ = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ConfigError(describe(where, allowed, value, advice)) from None
    if number_ < low:
        raise ConfigError(describe(where, allowed, value, advice))
    return number_


def number(
    where: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float | None = None,
    advice: str = "",
) -> float:
    """Return `value` as a finite `float` in [low, high] and greater than `above`, or raise `ConfigError`.

    Example:
        >>> number("find(budget=...)", 1, above=0.0)
        1.0
    """
    allowed = "a finite number"
    if above is not None and high < math.inf:
        allowed += f" in ({above:g}, {high:g}]"
    elif above is not None:
        allowed += f" > {above:g}"
    elif low > -math.inf and high < math.inf:
        allowed += f" in [{low:g}, {high:g}]"
    elif low > -math.inf:
        allowed += f" >= {low:g}"
    elif high < math.inf:
        allowed += f" <= {high:g}"
    if isinstance(value, (bool, str, bytes)):
        raise ConfigError(describe(where, allowed, value, advice))
    try:
        number_ = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(describe(where, allowed, value, advice)) from None
    if not math.isfinite(number_) or not low <= number_ <= high or (above is not None and number_ <= above):
        raise ConfigError(describe(where, allowed, value, advice))
    return number_


def choice(where: str, value: str, allowed: Collection[str], *, advice: str = "") -> str:
    """Return `value` if it is one of `allowed`, or raise `ConfigError` that lists them.

    Example:
        >>> choice("find(engine=...)", "serial", ("auto", "serial", "stacked"))
        'serial'
    """
    if value not in allowed:
        listed = ", ".join(repr(item) for item in allowed)
        raise ConfigError(describe(where, f"one of {listed}", value, advice))
    return value


def keep(owner: object, **values: object) -> None:
    """Store in a frozen dataclass what checks have made of its fields: plain Python numbers.

    Otherwise NumPy's float32 would compute in single precision, and its numbers are no JSON.
    """
    for name, value in values.items():
        object.__setattr__(owner, name, value)
