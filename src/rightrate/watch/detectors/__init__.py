"""Detectors, one a file: pure functions from what was seen and the next block to findings."""

from rightrate.watch.detector import Detector
from rightrate.watch.detectors.collapsed import Collapsed
from rightrate.watch.detectors.converged import Converged
from rightrate.watch.detectors.dead_layers import DeadLayers
from rightrate.watch.detectors.diverging import Diverging
from rightrate.watch.detectors.groups_still import GroupsStill
from rightrate.watch.detectors.non_finite import NonFinite
from rightrate.watch.detectors.overfitting import Overfitting
from rightrate.watch.detectors.plateau import Plateau
from rightrate.watch.detectors.rate_edited import RateEdited
from rightrate.watch.detectors.rate_not_applied import RateNotApplied
from rightrate.watch.detectors.scheduler_misplaced import SchedulerMisplaced
from rightrate.watch.detectors.spike import Spike
from rightrate.watch.detectors.too_high import TooHigh
from rightrate.watch.detectors.too_low import TooLow
from rightrate.watch.detectors.underfitting import Underfitting

__all__ = ["DETECTORS"]

DETECTORS: dict[str, Detector] = {
    "non_finite": NonFinite(),
    "spike": Spike(),
    "diverging": Diverging(),
    "collapsed": Collapsed(),
    "too_high": TooHigh(),
    "too_low": TooLow(),
    "plateau": Plateau(),
    "overfitting": Overfitting(),
    "underfitting": Underfitting(),
    "groups_still": GroupsStill(),
    "dead_layers": DeadLayers(),
    "rate_edited": RateEdited(),
    "rate_not_applied": RateNotApplied(),
    "scheduler_misplaced": SchedulerMisplaced(),
    "converged": Converged(),
}
"""Every detector by name, in the order in which they are asked."""
