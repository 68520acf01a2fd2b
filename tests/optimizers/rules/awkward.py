"""Gradients on which wrong update rules differ from right ones, and the walk of a rule along them."""

import numpy as np

from rightrate.optimizers.rules import Rule
from rightrate.schedules import FloatArray

GRADIENTS: FloatArray = np.array(
    [
        # zero, zero first, about eps, its root, underflows squared, huge, huger, changing sign, ordinary
        [0.0, 0.0, 1.0e-8, 3e-4, 1e-170, 1.0e12, 1e150, 1.0, 0.5],
        [0.0, 0.0, -2.0e-8, 3e-4, 1e-170, -3.0e12, 1e150, -2.0, 0.25],
        [0.0, 2.0, 5.0e-9, 1e-4, -1e-170, 0.0, -1e140, 3.0, 0.0],
        [0.0, 1.0, 0.0, 2e-4, 2e-170, 5.0e11, 1e150, -1.0, 0.75],
        [0.0, -4.0, 1.0e-8, -1e-3, 1e-170, 2.0e-12, 0.0, 0.5, -0.5],
        [0.0, 0.5, 4.0e-8, 3e-5, 1e-170, -1.0e12, 1e149, -7.0, 0.5],
        [0.0, 0.0, 1.0e-8, 2e-4, 0.0, 1.0e10, 1e150, 2.0, 1.5],
        [0.0, 3.0, 2.0e-9, 3e-4, 1e-170, 7.0e12, -1e150, 4.0, -0.1],
    ]
)
START: FloatArray = np.array([1.5, -2.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.7, -0.3])
"""Zero where steps are so small that they would be lost in it."""

RATES = (0.1, 0.1, 0.02, 0.3, 0.3, 0.05, 0.1, 0.01)


def walk(rule: Rule, *, rates: tuple[float, ...] = RATES, start: FloatArray = START) -> FloatArray:
    """Return where a rule is after each step, shape (steps, parameters)."""
    x, state, path = start, rule.init(start), []
    for g, lr in zip(GRADIENTS, rates, strict=True):
        x, state = rule.update(g, state, x, lr)
        path.append(x)
    return np.array(path)


def apart(path: FloatArray, other: FloatArray) -> float:
    """Return the largest difference of two walks, relative to how far each parameter comes from zero."""
    scale = np.maximum(np.abs(path).max(axis=0), np.abs(other).max(axis=0))
    return float(np.max(np.abs(path - other) / np.where(scale > 0, scale, 1.0)))
