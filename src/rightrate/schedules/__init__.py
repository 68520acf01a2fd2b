"""Schedules: pure functions from a step to a learning rate."""

from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.constant import Constant
from rightrate.schedules.cosine import Cosine
from rightrate.schedules.formula import Decay, Formula
from rightrate.schedules.linear import Linear
from rightrate.schedules.resolve import NAMES, Shape, resolve, shape_values
from rightrate.schedules.sequence import Sequence, sequence

__all__ = [
    "NAMES",
    "Constant",
    "Cosine",
    "Decay",
    "FloatArray",
    "Formula",
    "Linear",
    "Schedule",
    "Sequence",
    "Shape",
    "resolve",
    "sequence",
    "shape_values",
]
