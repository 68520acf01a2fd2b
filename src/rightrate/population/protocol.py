"""What a population is: K copies of one model, trained side by side on the same batches."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from rightrate.schedules import FloatArray

__all__ = ["Population"]


class Population(Protocol):
    """K copies of one model (members), trained side by side on the same batches.

    A population knows no schedules, strategies or guards: it eats a table of learning rates with one row for
    each optimizer step and one column for each member, and returns losses. All members share initial
    weights, batches and random draws; a second seed is a second population.
    """

    @property
    def size(self) -> int:
        """K, the number of members."""
        ...

    @property
    def step(self) -> int:
        """Optimizer steps taken so far, shared by all members."""
        ...

    def advance(self, lr: FloatArray) -> FloatArray:
        """Take S optimizer steps.

        Args:
            lr: Learning rates >= 0, shape (S, K).

        Returns:
            Training losses before each step, shape (S, K). From a member's first non-finite loss on its rows
            are NaN and its parameters stay as they were before that step. `advance(T)` equals
            `advance(T[:a])` followed by `advance(T[a:])`.
        """
        ...

    def evaluate(self, batches: Iterable[Any] | None = None) -> Mapping[str, FloatArray]:
        """Return metric name -> (K,) on the validation data ("loss" always); on others the loss alone."""
        ...

    def take(self, members: Sequence[int]) -> "Population":
        """Return a new population with the named members (drop, keep, copy); this one stays usable.

        The new population sees the same future batches and random draws as this one.
        """
        ...

    def recalibrate(self, batches: int) -> None:
        """Re-estimate normalisation statistics in place as plain means over `batches` training batches.

        Meant for forks that are about to be judged: it changes what `evaluate` sees.
        """
        ...

    def state_dict(self) -> Mapping[str, object]:
        """Return all that a bit-identical resume needs: tensors, numbers and strings, nested in dicts."""
        ...

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Set this population (same task, optimizer, size and seed) to a saved state."""
        ...
