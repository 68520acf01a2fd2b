"""Search that also hands back the trained model: grid, halving, population-based training, Bayes."""

from rightrate.tuner.result import TuneResult
from rightrate.tuner.tune import tune
from rightrate.tuner.winner import Winner, continue_from

__all__ = ["TuneResult", "Winner", "continue_from", "tune"]
