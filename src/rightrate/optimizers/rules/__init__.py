"""Update rules as short pure functions on NumPy arrays, in the symbols of their papers.

They are made to be read, drawn and compared with; training runs on the optimizers of the frameworks. Every
rule is held equal to torch, Keras and optax over several steps in double precision, wherever they have it.
"""

from rightrate.optimizers.rules.adadelta import Adadelta
from rightrate.optimizers.rules.adagrad import Adagrad
from rightrate.optimizers.rules.adam import Adam
from rightrate.optimizers.rules.adamax import Adamax
from rightrate.optimizers.rules.adamw import AdamW
from rightrate.optimizers.rules.gradient_descent import GradientDescent
from rightrate.optimizers.rules.lion import Lion
from rightrate.optimizers.rules.momentum import Momentum
from rightrate.optimizers.rules.nadam import NAdam
from rightrate.optimizers.rules.names import NAMES, resolve
from rightrate.optimizers.rules.nesterov import Nesterov
from rightrate.optimizers.rules.radam import RAdam
from rightrate.optimizers.rules.rmsprop import RMSProp
from rightrate.optimizers.rules.rule import Rule
from rightrate.optimizers.rules.settings import settings, with_settings

__all__ = [
    "NAMES",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "GradientDescent",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "RAdam",
    "RMSProp",
    "Rule",
    "resolve",
    "settings",
    "with_settings",
]
