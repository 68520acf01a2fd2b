"""What a watcher was asked to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from torch import Tensor
from torch.optim import LBFGS, Optimizer

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.watch.acts import Acting

__all__ = ["Measure", "Settings"]

Mode = Literal["observe", "advise", "act"]

_EACH, _FULL_BATCH, _BATCHES = 2, 16, 64
"""Steps between the pairs that are measured."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a watcher measures besides losses and rates.

    Args:
        gradients_every: Two steps in a row are measured every so many steps, >= 2, and after 16 times every
            twice as many; 0 measures no gradients. None takes 64, and 16 where every gradient is that of all
            data: there each one tells more. Of L-BFGS, whose steps are few and long, all are measured.
        curvature: Computes the loss of the batch at hand, such as `lambda: criterion(model(x), y)`. With it
            the curvature of the loss is measured along the second of these steps, by three more forward
            passes. It must take no new data and call no `backward`. None makes no extra passes.
    """

    gradients_every: int | None = None
    curvature: Callable[[], Tensor] | None = None

    def __post_init__(self) -> None:
        if self.gradients_every not in (None, 0):
            where = "Measure(gradients_every=...)"
            _check.integer(where, self.gradients_every, low=2, advice="0 measures nothing.")
        received: object = self.curvature
        if received is not None and not callable(received):
            allowed = "a function without arguments that returns the loss"
            raise ConfigError(describe("Measure(curvature=...)", allowed, received))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a watcher was asked to do.

    Args:
        mode: "observe" notes findings, "advise" prints them with what to do, "act" mends the run as well.
        name: What the run is called, in reports and in the store.
        total_steps: Length of the run in optimizer steps, or None.
        chance_loss: Loss of the best constant prediction, or None.
        full_batch: Whether every gradient is that of all data.
        adversarial: Whether the loss need not fall, as those of a GAN; None: where there are several
            optimizers.
        measure: What is measured besides losses and rates.
        acting: How far `mode="act"` may go.

    Raises:
        ConfigError: If something is outside its domain.
    """

    mode: Mode = "observe"
    name: str = "run"
    total_steps: int | None = None
    chance_loss: float | None = None
    full_batch: bool = False
    adversarial: bool | None = None
    measure: Measure = field(default_factory=Measure)
    acting: Acting = field(default_factory=Acting)

    def __post_init__(self) -> None:
        for name, kind in (("name", str), ("measure", Measure), ("acting", Acting)):
            received = getattr(self, name)
            if not isinstance(received, kind):
                allowed = "a string" if kind is str else f"a rightrate.watch.{kind.__name__}"
                raise ConfigError(describe(f"watch({name}=...)", allowed, received))
        _check.choice("watch(mode=...)", self.mode, ("observe", "advise", "act"))
        if self.total_steps is not None:
            _check.integer("watch(total_steps=...)", self.total_steps, low=1)
        for flag, allowed in (("full_batch", "True or False"), ("adversarial", "True, False or None")):
            received = getattr(self, flag)
            if not isinstance(received, bool) and (received is not None or flag == "full_batch"):
                raise ConfigError(describe(f"watch({flag}=...)", allowed, received))
        if self.chance_loss is not None:
            _check.number("watch(chance_loss=...)", self.chance_loss)

    def decided_for(self, optimizers: Sequence[Optimizer]) -> Self:
        """Return them with what was left open decided by the optimizers that are watched."""
        every, several = self.measure.gradients_every, len(optimizers) > 1
        if every is None:
            long = any(isinstance(optimizer, LBFGS) for optimizer in optimizers)
            every = _EACH if long else _FULL_BATCH if self.full_batch else _BATCHES
        return replace(
            self,
            adversarial=several if self.adversarial is None else self.adversarial,
            measure=replace(self.measure, gradients_every=every),
        )

    @property
    def snapshot_steps(self) -> int:
        """Steps between snapshots."""
        return self.acting.snapshot_steps or max(20, (self.total_steps or 4000) // 20)
