"""Schedules: pure functions from a step to a learning rate."""

from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.constant import Constant
from rightrate.schedules.cosine import Cosine
from rightrate.schedules.linear import Linear
from rightrate.schedules.resolve import NAMES, Shape, resolve, shape_values

__all__ = [
    "NAMES",
    "Constant",
    "Cosine",
    "FloatArray",
    "Linear",
    "Schedule",
    "Shape",
    "resolve",
    "shape_values",
]
