"""Numbers as people read them."""

import html
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rightrate.search.record import Cost

__all__ = ["chart_text", "count", "duration", "price", "rate", "spent", "value"]


def rate(lr: float | None) -> str:
    """Return a learning rate with three significant digits; `?` where it is not known.

    Example:
        >>> rate(0.01), rate(3e-4), rate(1.25e-5), rate(None)
        ('0.01', '3e-4', '1.25e-5', '?')
    """
    if lr is None or not math.isfinite(lr):
        return "?"
    if lr == 0 or 1e-3 <= abs(lr) < 1e3:
        return f"{lr:.3g}"
    digits, _, exponent = f"{lr:.2e}".partition("e")
    return f"{float(digits):g}e{int(exponent)}"


def value(number: float | None) -> str:
    """Return a loss or metric with four significant digits; a non-finite one is `not finite`.

    Example:
        >>> value(0.123456), value(float("nan")), value(12345678.0)
        ('0.1235', 'not finite', '1.235e+07')
    """
    if number is None or not math.isfinite(number):
        return "not finite"
    return f"{number:.4g}"


def count(number: int) -> str:
    """Return an integer with its thousands set apart.

    Example:
        >>> count(12345)
        '12,345'
    """
    return f"{number:,}"


def duration(seconds: float | None) -> str:
    """Return a time span in the unit that fits.

    Example:
        >>> duration(0.42), duration(38.2), duration(130), duration(4000)
        ('0.42 s', '38 s', '2 min 10 s', '1 h 7 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return "?"
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def spent(seconds: Mapping[str, float]) -> str:
    """Return what a study took in all, and what the last session added where others worked on it too.

    Args:
        seconds: "total" and, if it is known, "session".

    Example:
        >>> spent({"total": 70.0, "session": 70.0}), spent({"total": 70.0, "session": 12.0})
        ('1 min 10 s in all', '1 min 10 s in all, 12 s of it in this session')
        >>> spent({"total": 70.0, "session": 0.0})
        '1 min 10 s in all, none of it in this session'
    """
    total, session = seconds.get("total"), seconds.get("session")
    said = f"{duration(total)} in all"
    if session in (None, total):
        return said
    return f"{said}, {duration(session) if session else 'none'} of it in this session"


def price(cost: "Cost") -> str:
    """Return what a study cost: steps, runs and time.

    Example:
        >>> from rightrate.search.record import Cost
        >>> price(Cost(steps={"train": 1200}, run_equivalents=1.0, seconds={"total": 3.0}))
        '1,200 training steps, the price of 1 run; 3 s in all'
    """
    steps, runs = count(sum(cost.steps.values())), f"{cost.run_equivalents:.3g}"
    return (
        f"{steps} training steps, the price of {runs} run{'' if runs == '1' else 's'}; {spent(cost.seconds)}"
    )


def chart_text(text: str) -> str:
    """Return text that a plotly chart shows as it is.

    plotly reads some HTML (`<b>`, `<a href>`) and, in hover texts, `%{...}` in every string.

    Example:
        >>> chart_text("<b>%{x}")
        '&lt;b&gt;&#37;{x}'
    """
    return html.escape(text).replace("%", "&#37;")
