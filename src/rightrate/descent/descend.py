"""The gradient-descent loop, for a function of one or many variables."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rightrate import _check
from rightrate.descent.result import Descent, Question, Rate
from rightrate.descent.slope import Gradient, Slope, norm, slope_of, value_of
from rightrate.descent.until import Until
from rightrate.descent.verdict import UNMOVED_STEPS, Walk, judged, ran_away, unmoved
from rightrate.errors import ConfigError, describe
from rightrate.optimizers.rules import AdamW, Lion, Rule, resolve
from rightrate.schedules import FloatArray, Schedule, parse

__all__ = ["descend"]

_DEFAULT = Until()


def descend(
    f: Callable[[Any], Any],
    x0: ArrayLike,
    rule: str | Rule = "gradient descent",
    lr: Rate | str = 0.1,
    *,
    until: Until = _DEFAULT,
    gradient: Gradient = None,
    names: tuple[str, ...] = (),
) -> Descent:
    """Go down a function step by step, and say what became of it.

    `x = rule(gradient of f at x, lr)`, again and again, until the gradient is near zero or the steps are used
    up. To see what a learning rate does, on functions small enough to look at; `find` is for models.

    The status, by the first definition that holds:

    - **diverged**: the value or the gradient is not finite any more, or the gradient is 1e10 times that of
      the start (or 1e10, if that was below 1); or the steps are used up, all values in the last quarter of
      them lie above that of the start, and the largest, in its second half, is still growing.
    - **stuck**: it stands still where there is no minimum. Either the last ten steps are lost in rounding
      though the gradient is not near zero; or the gradient is near zero, but there is a direction in which
      the function falls on both sides, as on a saddle or a maximum, or on and on, as on an inflection or a
      plateau (looked for with up to 50 variables).
    - **converged**: the gradient is near zero, by `until`.
    - **oscillating**: the steps are used up, and in the last half of them the point went more than twice as
      far as it came, or the value rose and fell by more than twice as much as it changed.
    - **slow**: the steps are used up, and it was still on its way.

    So on a quadratic with the largest curvature `L`, plain gradient descent converges for a constant lr well
    inside (0, 2 / L), is slow near 0, oscillates near 2 / L, and diverges above it.

    Args:
        f: The function to make small; gets a number where `x0` is one, otherwise an array of its shape (a
            torch tensor with `"autograd"`), and returns one number.
        x0: Where to start: a number, or an array of any shape.
        rule: The update rule: a name of `rightrate.optimizers.rules.NAMES`, or a rule with settings of its
            own.
        lr: The learning rate: a number > 0, a schedule, the text of one for `rightrate.schedules.parse`, or a
            function of the step (counted from 0).
        until: When it ends.
        gradient: A function of `x`, `"autograd"` (torch) or `"finite differences"`, which is also None.
        names: What the variables are called, for pictures and tables.

    Returns:
        A `Descent`: `status`, `message`, `path`, `values`, `gradient_norms`, `lrs`; `plot()`, `to_dict()`.

    Raises:
        ConfigError: If an argument is outside its domain, or value or gradient at `x0` is not finite.

    Example:
        >>> result = descend(lambda x: x[0] ** 2 + 3 * x[1] ** 2, [1.0, 2.0], lr=0.1)
        >>> result.status, result.steps, bool(abs(result.x).max() < 1e-5)
        ('converged', 54, True)
        >>> [descend(lambda x: x**2, 1.0, lr=lr).status for lr in (1e-4, 0.3, 1.0, 1.1)]
        ['slow', 'converged', 'oscillating', 'diverged']
    """
    chosen = resolve(rule)
    slope = slope_of(f, gradient)
    start = _start(x0)
    if names and len(names) != start.size:
        raise ConfigError(describe("descend(names=...)", f"{start.size} names, one a variable", names))
    rate_at, rate = _rates(lr)
    ends: object = until
    if not isinstance(ends, Until):
        raise ConfigError(describe("descend(until=...)", "an Until", ends, "Write Until(steps=...)."))
    with np.errstate(all="ignore"):
        walk = _walk(slope, start, chosen, rate_at, until)
        status, message = judged(walk, slope)
    return Descent(
        status=status,
        message=message,
        path=np.array(walk.points),
        values=np.array(walk.values),
        gradient_norms=np.array(walk.norms),
        lrs=np.array(walk.lrs),
        question=Question(
            value=value_of(f, gradient),
            rule=chosen,
            lr=rate,
            until=until,
            gradient="given" if callable(gradient) else gradient or "finite differences",
            names=tuple(names),
        ),
    )


def _walk(slope: Slope, x: FloatArray, rule: Rule, rate_at: Callable[[int], float], until: Until) -> Walk:
    value, g = slope(x)
    if not (np.isfinite(value) and np.isfinite(g).all()):
        shown = f"f {value:g}, gradient {np.asarray(g).tolist()}"
        raise ConfigError(describe("descend(x0=...)", "where f and its gradient are finite", shown))
    points, values, norms, lrs = [x], [value], [norm(g)], list[float]()
    decay = rule.weight_decay if isinstance(rule, (AdamW, Lion)) else 0.0
    limit = until.limit(norms[0])
    walk = Walk(points=points, values=values, norms=norms, lrs=lrs, limit=limit, decay=decay)
    state, still = rule.init(x), 0
    for step in range(until.steps):
        if norms[-1] <= limit or still >= UNMOVED_STEPS:
            break
        lr = rate_at(step)
        x, state = rule.update(g, state, x, lr)
        value, g = slope(x) if np.isfinite(x).all() else (np.nan, np.full_like(x, np.nan))
        points.append(x)
        values.append(value)
        norms.append(norm(g))
        lrs.append(lr)
        if ran_away(walk):
            break
        # A rate of 0 may rise again.
        still = still + 1 if lr > 0 and unmoved(points[-2], x) else 0
    return walk


def _start(x0: ArrayLike) -> FloatArray:
    try:
        start = np.array(x0, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(describe("descend(x0=...)", "a number or an array of numbers", x0)) from None
    if start.size == 0 or not np.isfinite(start).all():
        raise ConfigError(describe("descend(x0=...)", "one or more finite numbers", x0))
    return start[()]


def _rates(lr: Rate | str) -> tuple[Callable[[int], float], Rate]:
    """Return the rate at each step, and what was asked for as a float, a schedule or a function."""
    rate = parse(lr, where="descend(lr=...)") if isinstance(lr, str) else lr
    if isinstance(rate, Schedule):
        return rate, rate
    if callable(rate):
        return lambda step: _check.number(f"lr({step})", rate(step), low=0.0), rate
    constant = _check.number("descend(lr=...)", rate, above=0.0)
    return lambda step: constant, constant
