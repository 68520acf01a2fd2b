"""What a watcher was asked to do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.watch.acts import Acting

__all__ = ["Measure", "Settings"]

Mode = Literal["observe", "advise", "act"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a watcher measures besides losses and rates.

    Args:
        gradients_every: Two steps in a row are measured every so many steps, >= 2, and after 16 times every
            twice as many; 0 measures no gradients.
        curvature: Computes the loss of the batch at hand, such as `lambda: criterion(model(x), y)`. With it
            the curvature of the loss is measured along the second of these steps, by three more forward
            passes. It must take no new data and call no `backward`. None makes no extra passes.
    """

    gradients_every: int = 64
    curvature: Callable[[], Tensor] | None = None

    def __post_init__(self) -> None:
        if self.gradients_every != 0:
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
        if self.chance_loss is not None:
            _check.number("watch(chance_loss=...)", self.chance_loss)

    @property
    def snapshot_steps(self) -> int:
        """Steps between snapshots."""
        return self.acting.snapshot_steps or max(20, (self.total_steps or 4000) // 20)
