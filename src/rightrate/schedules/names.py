"""The schedules by their public names."""

from dataclasses import MISSING, fields

from rightrate.schedules.base import Schedule
from rightrate.schedules.clipped import Clipped
from rightrate.schedules.constant import Constant
from rightrate.schedules.cosine import Cosine
from rightrate.schedules.cosine_restarts import CosineRestarts
from rightrate.schedules.exponential import Exponential
from rightrate.schedules.inverse_sqrt import InverseSqrt
from rightrate.schedules.inverse_time import InverseTime
from rightrate.schedules.linear import Linear
from rightrate.schedules.multi_step import MultiStep
from rightrate.schedules.one_cycle import OneCycle
from rightrate.schedules.per_epoch import PerEpoch
from rightrate.schedules.piecewise import Piecewise
from rightrate.schedules.polynomial import Polynomial
from rightrate.schedules.restarted import Restarted
from rightrate.schedules.rex import Rex
from rightrate.schedules.scaled import Scaled
from rightrate.schedules.sequence import Sequence
from rightrate.schedules.shifted import Shifted
from rightrate.schedules.step import Step
from rightrate.schedules.triangular import ExpRange, Triangular, Triangular2
from rightrate.schedules.warmup import CosineWarmup, ExponentialWarmup, LinearWarmup
from rightrate.schedules.wsd import WarmupStableDecay

__all__ = ["BY_LENGTH", "NAMES", "required"]

NAMES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "linear": Linear,
    "cosine": Cosine,
    "cosine_restarts": CosineRestarts,
    "one_cycle": OneCycle,
    "wsd": WarmupStableDecay,
    "rex": Rex,
    "polynomial": Polynomial,
    "exponential": Exponential,
    "inverse_time": InverseTime,
    "inverse_sqrt": InverseSqrt,
    "step": Step,
    "multi_step": MultiStep,
    "piecewise": Piecewise,
    "triangular": Triangular,
    "triangular2": Triangular2,
    "exp_range": ExpRange,
    "warmup": LinearWarmup,
    "exponential_warmup": ExponentialWarmup,
    "cosine_warmup": CosineWarmup,
    "sequence": Sequence,
    "scaled": Scaled,
    "clipped": Clipped,
    "shifted": Shifted,
    "restarted": Restarted,
    "per_epoch": PerEpoch,
}
"""Every schedule by its public name: in text, in JSON and on the command line."""


def required(name: str) -> tuple[str, ...]:
    """Return the fields that a schedule has no defaults for.

    Example:
        >>> required("step")
        ('total_steps', 'every_steps')
    """
    return tuple(
        field.name
        for field in fields(NAMES[name])  # type: ignore[arg-type]
        if field.init and field.default is MISSING and field.default_factory is MISSING
    )


BY_LENGTH = tuple(name for name in NAMES if required(name) == ("total_steps",))
"""The names of schedules that need no more than the length of the run."""
