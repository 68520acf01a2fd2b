"""Rates that follow what training observes: pure functions from a state and an observation to a rate."""

from rightrate.schedules.adaptive.back_off import BackOff, BackOffState
from rightrate.schedules.adaptive.control import Control
from rightrate.schedules.adaptive.cool_down import CoolDown, CoolDownState
from rightrate.schedules.adaptive.hypergradient import Hypergradient, HypergradientState
from rightrate.schedules.adaptive.plateau import PlateauState, ReduceOnPlateau

__all__ = [
    "BackOff",
    "BackOffState",
    "Control",
    "CoolDown",
    "CoolDownState",
    "Hypergradient",
    "HypergradientState",
    "PlateauState",
    "ReduceOnPlateau",
]
