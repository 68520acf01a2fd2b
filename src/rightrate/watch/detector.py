"""What detectors see, and what they are: the contract between the watcher's loop and its detectors."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import lt
from typing import Any, Protocol

from rightrate.errors import ConfigError, describe
from rightrate.watch.course import Course
from rightrate.watch.editors import Edit
from rightrate.watch.finding import Finding
from rightrate.watch.measure import Measured

__all__ = ["Block", "Detector", "Facts", "Rates", "Sample", "State", "again"]

State = Mapping[str, Any]
"""What a detector remembers: plain JSON data, of bounded size, without NaN and infinity."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Rates of a block.

    Args:
        applied: The rates of all parameter groups at each observation, as the optimizer used them.
        told: What the scheduler says the first group's rate is, times the watcher's own multiplier, at each
            observation; () if unknown, NaN where it was not known yet.
        edits: Changes between steps since the last block, and who made them.
        scheduler_steps: How often the scheduler had been stepped at each observation; () if unknown.
        scheduler_length: How many steps the scheduler was made for, or None.
        scheduler_start: How often it had been stepped when the watcher began to look, or None where steps
            that a `GradScaler` leaves out may stand between.
    """

    applied: tuple[tuple[float, ...], ...] = ()
    told: tuple[float, ...] = ()
    edits: tuple[Edit, ...] = ()
    scheduler_steps: tuple[int, ...] = ()
    scheduler_length: int | None = None
    scheduler_start: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What was measured around one step.

    Args:
        step: The step.
        measured: Norms, cosines and fractions; NaN where they could not be measured.
        curvature: u'Hu / u'u along the update u, with the Hessian H of the loss; NaN if not measured.
        still_groups: Parameter groups in which nothing moved at this step.
        flat_tensors: The names of tensors whose gradient is zero everywhere or missing, at most eight.
    """

    step: int
    measured: Measured
    curvature: float = math.nan
    still_groups: tuple[int, ...] = ()
    flat_tensors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of the run beforehand.

    Args:
        total_steps: Length of the run in optimizer steps, or None.
        chance_loss: Loss of the best constant prediction, or None.
        full_batch: Whether every gradient is that of all data, so that it has no noise.
        plain_steps: Whether an update is minus the rate times the gradient; only then is 2 / lr the largest
            curvature that does not diverge.
    """

    total_steps: int | None = None
    chance_loss: float | None = None
    full_batch: bool = False
    plain_steps: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some observations in a row, usually 32; fewer where a loss was not finite or the run ended.

    Args:
        steps: Optimizer steps, 0-based, ascending; gaps are allowed.
        losses: Training loss at each of them; NaN and infinity are allowed and mean what they say.
        rates: Rates.
        samples: What was measured at some of the steps.
        validations: (step, loss) of the validations that arrived since the last block.
        facts: What is known of the run.
        course: How the loss went since the run began, with this block.

    Raises:
        ConfigError: If there are not as many losses as steps, or steps do not ascend.
    """

    steps: tuple[int, ...]
    losses: tuple[float, ...]
    rates: Rates = field(default_factory=Rates)
    samples: tuple[Sample, ...] = ()
    validations: tuple[tuple[int, float], ...] = ()
    facts: Facts = field(default_factory=Facts)
    course: Course = field(default_factory=Course)

    def __post_init__(self) -> None:
        if len(self.losses) != len(self.steps):
            allowed = f"as many as steps ({len(self.steps)})"
            raise ConfigError(describe("Block(losses=...)", allowed, len(self.losses)))
        if not all(map(lt, self.steps, self.steps[1:])):
            raise ConfigError(describe("Block(steps=...)", "ascending", self.steps))

    @cached_property
    def finite(self) -> tuple[float, ...]:
        """The losses that are finite."""
        if math.isfinite(sum(self.losses)):  # the usual case, made fast
            return self.losses
        return tuple(loss for loss in self.losses if math.isfinite(loss))

    def rates_at(self, step: int) -> tuple[float, ...]:
        """Return the rates of all groups at one of the steps; () where they are not known."""
        return self._rates_at.get(step, ())

    @cached_property
    def _rates_at(self) -> dict[int, tuple[float, ...]]:
        return dict(zip(self.steps, self.rates.applied, strict=False))

    @property
    def last(self) -> int:
        """The newest step; that of the newest validation in a block without steps, 0 in an empty one."""
        return max((*self.steps[-1:], *(step for step, _ in self.validations[-1:])), default=0)


class Detector(Protocol):
    """Looks at blocks of a run in order, and says what it finds; has no state of its own and no clock.

    A finding is said once when it becomes true, and again only after it had ceased to be. The same state and
    block give the same answer. `update` does not change the state it is given.

    Where the run is put back to an earlier step, a detector begins anew; one that looks at how the run was
    put together and not at how it goes has a method `again(state)` besides, and goes on from what it returns.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        ...

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        ...


def again(detector: Detector, state: State) -> State:
    """Return what a detector remembers where the run was put back to an earlier step."""
    kept: Callable[[State], State] | None = getattr(detector, "again", None)
    return detector.init() if kept is None else kept(state)
