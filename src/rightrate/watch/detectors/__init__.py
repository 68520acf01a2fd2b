"""Detectors, one a file: pure functions from what was seen and the next block to findings."""

from rightrate.watch.detector import Detector
from rightrate.watch.detectors.dead_layers import DeadLayers
from rightrate.watch.detectors.groups_still import GroupsStill
from rightrate.watch.detectors.non_finite import NonFinite
from rightrate.watch.detectors.rate_edited import RateEdited
from rightrate.watch.detectors.rate_not_applied import RateNotApplied

__all__ = ["DETECTORS"]

DETECTORS: dict[str, Detector] = {
    "non_finite": NonFinite(),
    "groups_still": GroupsStill(),
    "dead_layers": DeadLayers(),
    "rate_edited": RateEdited(),
    "rate_not_applied": RateNotApplied(),
}
"""Every detector by name, in the order in which they are asked."""
