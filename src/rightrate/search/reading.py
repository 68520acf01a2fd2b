"""From trials to what a strategy sees: one objective, smaller is better."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rightrate.search.record import Trial
from rightrate.search.space import Observation

__all__ = ["Reading"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How trials are read.

    Args:
        name: The objective.
        sign: 1 where it is minimised, -1 where it is maximised.
        untrained: "loss" and the objective at the level of having learned nothing.
    """

    name: str
    sign: int
    untrained: Mapping[str, float]

    def observations(self, trials: Sequence[Trial]) -> list[Observation]:
        """Return what the trials reached."""
        return [self._observation(trial) for trial in trials]

    def _observation(self, trial: Trial) -> Observation:
        value = self.sign * trial.metrics.get(self.name, math.nan)
        return Observation(
            lr=trial.lr,
            steps=trial.steps,
            seed=trial.seed,
            rung=trial.rung,
            value=value,
            seen=value - self._gap(trial, value),
            epoch=trial.epoch,
        )

    def _gap(self, trial: Trial, value: float) -> float:
        """Return how much better the objective is on batches that were trained on.

        Only the loss is known there; of any other objective the same share of what was learned is taken.
        """
        loss, seen = trial.metrics.get("loss", math.nan), trial.seen.get("loss", math.nan)
        if self.name == "loss":
            return loss - seen
        learned = self.untrained["loss"] - loss
        return (
            (loss - seen) / learned * (self.sign * self.untrained[self.name] - value)
            if learned > 0
            else math.nan
        )
