"""Schedules: pure functions from a step to a learning rate."""

from rightrate.schedules import adaptive
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.clipped import Clipped, clipped
from rightrate.schedules.constant import Constant
from rightrate.schedules.cosine import Cosine
from rightrate.schedules.cosine_restarts import CosineRestarts
from rightrate.schedules.exponential import Exponential
from rightrate.schedules.formula import Decay, Formula
from rightrate.schedules.frameworks import from_keras, from_torch
from rightrate.schedules.inverse_sqrt import InverseSqrt
from rightrate.schedules.inverse_time import InverseTime
from rightrate.schedules.linear import Linear
from rightrate.schedules.multi_step import MultiStep
from rightrate.schedules.names import BY_LENGTH, NAMES
from rightrate.schedules.one_cycle import OneCycle
from rightrate.schedules.per_epoch import PerEpoch, per_epoch
from rightrate.schedules.piecewise import Piecewise
from rightrate.schedules.plain import from_dict
from rightrate.schedules.polynomial import Polynomial
from rightrate.schedules.resolve import Shape, by_name, resolve, shape_values
from rightrate.schedules.restarted import Restarted, restarted
from rightrate.schedules.rex import Rex
from rightrate.schedules.scaled import Scaled, scaled
from rightrate.schedules.sequence import Sequence, sequence
from rightrate.schedules.shifted import Shifted, shifted
from rightrate.schedules.step import Step
from rightrate.schedules.text import parse, shape_name, to_text
from rightrate.schedules.triangular import ExpRange, Triangular, Triangular2
from rightrate.schedules.warmup import CosineWarmup, ExponentialWarmup, LinearWarmup
from rightrate.schedules.wsd import WarmupStableDecay

__all__ = [
    "BY_LENGTH",
    "NAMES",
    "Clipped",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "CosineWarmup",
    "Decay",
    "ExpRange",
    "Exponential",
    "ExponentialWarmup",
    "FloatArray",
    "Formula",
    "InverseSqrt",
    "InverseTime",
    "Linear",
    "LinearWarmup",
    "MultiStep",
    "OneCycle",
    "PerEpoch",
    "Piecewise",
    "Polynomial",
    "Restarted",
    "Rex",
    "Scaled",
    "Schedule",
    "Sequence",
    "Shape",
    "Shifted",
    "Step",
    "Triangular",
    "Triangular2",
    "WarmupStableDecay",
    "adaptive",
    "by_name",
    "clipped",
    "from_dict",
    "from_keras",
    "from_torch",
    "parse",
    "per_epoch",
    "resolve",
    "restarted",
    "scaled",
    "sequence",
    "shape_name",
    "shape_values",
    "shifted",
    "to_text",
]
