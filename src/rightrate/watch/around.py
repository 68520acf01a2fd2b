"""What is known of a run besides the rows of its steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import SGD, Optimizer

from rightrate.watch.detector import Sample
from rightrate.watch.editors import Edit
from rightrate.watch.measure import Reading
from rightrate.watch.sampler import trained_of
from rightrate.watch.schedulers import Teller

__all__ = ["Around", "Tensors", "plain_steps", "sample_of"]

_NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """The tensors that an optimizer trains, in its order.

    Args:
        groups: The parameter group of each.
        names: What the model calls each; "tensor 3" where it does not.
    """

    groups: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, optimizer: Optimizer, model: nn.Module | None) -> "Tensors":
        """Return those of an optimizer."""
        known = {} if model is None else {id(tensor): name for name, tensor in model.named_parameters()}
        trained = trained_of(optimizer)
        return cls(
            groups=tuple(group for group, _ in trained),
            names=tuple(
                known.get(id(tensor), f"tensor {place}") for place, (_, tensor) in enumerate(trained)
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Around:
    """What surrounds the rows of a block.

    Args:
        edits: Changes of the rate that are new.
        teller: Who tells the rate, or None.
        tensors: Returns what the first optimizer trains.
        plain_steps: Whether an update is minus the rate times the gradient.
    """

    edits: tuple[Edit, ...] = ()
    teller: Teller | None = None
    tensors: Callable[[], Tensors] = Tensors
    plain_steps: bool = False


def plain_steps(optimizers: Sequence[Optimizer]) -> bool:
    """Return whether updates are minus the rate times the gradient, or with weight decay: plain SGD."""
    groups: list[dict[str, Any]] = [group for one in optimizers for group in one.param_groups]
    return (
        bool(groups)
        and all(type(one) is SGD for one in optimizers)
        and not any(group["momentum"] or group["maximize"] for group in groups)
    )


def sample_of(step: int, reading: Reading, tensors: Callable[[], Tensors]) -> Sample:
    """Return a sample from what was read; tensors are asked for only where some are to be named."""
    known = tensors() if any(reading.still) or any(reading.flat) else Tensors()
    still = list(zip(known.groups, reading.still, strict=False))
    moving = {group for group, stays in still if not stays}
    flat = [name for name, flat in zip(known.names, reading.flat, strict=False) if flat]
    return Sample(
        step=step,
        measured=reading.measured,
        curvature=reading.curvature,
        still_groups=tuple(sorted({group for group, _ in still} - moving)),
        flat_tensors=tuple(flat[:_NAMED]),
    )
