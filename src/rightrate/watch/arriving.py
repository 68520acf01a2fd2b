"""Numbers on their way from the device: read without making the device wait."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["Arriving", "Block", "Event", "arriving", "numbers_of"]

Block = list[float]


class Event(Protocol):
    """A mark in a device's queue, as `torch.cuda.Event` is one."""

    def query(self) -> bool:
        """Return whether the device has come past it."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has come past it."""
        ...


class Arriving:
    """A few numbers that a device computes: here once its queue has come past them.

    Args:
        host: Where they arrive.
        event: The mark behind their copy; None where there are no marks: then they are waited for.
    """

    __slots__ = ("_event", "_host")

    def __init__(self, host: Tensor, event: Event | None) -> None:
        self._host = host
        self._event = event

    def ready(self) -> bool:
        """Return whether reading them now makes nobody wait."""
        return self._event is not None and self._event.query()

    def numbers(self) -> list[float]:
        """Return the numbers, waiting for them if they are not here yet."""
        if self._event is not None:
            self._event.synchronize()
        values: list[float] = self._host.reshape(-1).tolist()
        return values


def arriving(tensor: Tensor) -> Arriving | list[float]:
    """Return the numbers of a small tensor: at once from the CPU, on their way from a device.

    On CUDA they are copied to pinned memory behind the work that makes them, with an event after the copy:
    one query of the event says whether they are there. Elsewhere the tensor is kept until it is waited for.

    Args:
        tensor: A tensor of few numbers; nothing of its graph is kept.
    """
    kept = tensor.detach()
    if kept.device.type == "cpu":
        values: list[float] = kept.reshape(-1).tolist()
        return values
    if kept.device.type != "cuda":
        return Arriving(kept.clone(), None)
    host = torch.empty(kept.shape, dtype=kept.dtype, pin_memory=True)
    host.copy_(kept, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(kept.device))
    return Arriving(host, event)


def numbers_of(values: Sequence[Any]) -> list[float]:
    """Return what arrived of several sets of numbers, one after the other, waiting where needed."""
    found: list[float] = []
    for value in values:
        found += value.numbers() if isinstance(value, Arriving) else value
    return found
