"""Optimizers, schedules and learning rates side by side."""

from rightrate.comparison.compare import compare
from rightrate.comparison.result import Comparison

__all__ = ["Comparison", "compare"]
