"""Conformance kits: the checks that everything shipped passes, for what you write yourself.

They need no test framework; called from a test, a failure is an `AssertionError` that says what is wrong.
"""

from rightrate.testing.conformance import ConformanceError
from rightrate.testing.controls import check_control
from rightrate.testing.populations import check_population_strategy
from rightrate.testing.schedules import check_schedule
from rightrate.testing.strategies import check_strategy

__all__ = [
    "ConformanceError",
    "check_control",
    "check_population_strategy",
    "check_schedule",
    "check_strategy",
]
