"""Rates that follow what training observes: pure functions from a state and an observation to a rate."""

from rightrate.schedules.adaptive.control import Control
from rightrate.schedules.adaptive.hypergradient import Hypergradient, HypergradientState
from rightrate.schedules.adaptive.plateau import PlateauState, ReduceOnPlateau

__all__ = ["Control", "Hypergradient", "HypergradientState", "PlateauState", "ReduceOnPlateau"]
