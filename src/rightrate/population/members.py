"""The state of K members as plain tensors with the members along the first axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rightrate.population.program import Program

__all__ = ["Members"]


@dataclass(kw_only=True)
class Members:
    """K members: parameters, buffers and optimizer slots, stacked.

    Args:
        params: Trainable parameters by name, each (K, ...).
        buffers: Buffers by name, each (K, ...).
        slots: Optimizer state by parameter name: tensors (K, ...) like the parameter, anything else shared by
            all members (step counts). Empty before the first step.
        alive: (K,) whether each member's loss has been finite so far.
        decay: (K,) weight decay of each member, or None for the optimizer's own.
    """

    params: dict[str, Tensor]
    buffers: dict[str, Tensor]
    alive: Tensor
    slots: dict[str, dict[str, Any]] = field(default_factory=dict)
    decay: Tensor | None = None

    @classmethod
    def start(
        cls, program: Program, names: Sequence[str], size: int, decay: Sequence[float] | None = None
    ) -> "Members":
        """Return `size` members at the program's present weights.

        Args:
            program: Where the weights come from.
            names: The parameters the optimizer trains; all others are shared.
            size: K, the number of members.
            decay: One weight decay for each, or None.
        """
        values = dict(program.named_parameters())
        params = {name: _repeat(values[name], size) for name in names}
        buffers = {name: _repeat(value, size) for name, value in program.named_buffers()}
        alive = torch.ones(size, dtype=torch.bool, device=program.device)
        first = next(iter(params.values()))
        decays = None if decay is None else torch.tensor(decay, dtype=first.dtype, device=program.device)
        return cls(params=params, buffers=buffers, alive=alive, decay=decays)

    @property
    def size(self) -> int:
        """K, the number of members."""
        return len(self.alive)

    def pick(self, members: Sequence[int]) -> "Members":
        """Return copies of the named members, in that order."""
        index = _index(members, self.alive.device)
        return Members(
            params={name: _rows(value, index) for name, value in self.params.items()},
            buffers={name: _rows(value, index) for name, value in self.buffers.items()},
            slots={
                name: {key: self._pick_slot(name, value, index) for key, value in slots.items()}
                for name, slots in self.slots.items()
            },
            alive=_rows(self.alive, index),
            decay=None if self.decay is None else _rows(self.decay, index),
        )

    def _pick_slot(self, name: str, value: Any, index: Tensor | slice) -> Any:
        if not isinstance(value, Tensor):
            return value
        return _rows(value, index) if self.is_stacked(name, value) else value.clone()

    def is_stacked(self, name: str, value: Tensor) -> bool:
        """Say whether a slot has a row for each member."""
        return value.shape == self.params[name].shape

    def padded(self, size: int) -> "Members":
        """Return copies with dead members after them to make `size`, counting in double precision.

        Compiled code computes with a step count's tensor where eager code computes with a Python float.
        """
        padded = self.pick([*range(self.size), *[0] * (size - self.size)])
        padded.alive[self.size :] = False
        for slots in padded.slots.values():
            if isinstance(slots.get("step"), Tensor):
                slots["step"] = slots["step"].double()
        return padded

    def overwrite(self, source: "Members") -> None:
        """Write the state of other members over the first of these in place; further ones are dead.

        Members of the source that have no place here are left out. Every tensor stays the same object and
        keeps its precision.
        """
        rows = min(self.size, source.size)
        for mine, theirs in ((self.params, source.params), (self.buffers, source.buffers)):
            for name, value in theirs.items():
                mine[name][:rows].copy_(value[:rows])
        self.alive[:rows].copy_(source.alive[:rows])
        self.alive[rows:] = False
        if self.decay is not None and source.decay is not None:
            self.decay[:rows].copy_(source.decay[:rows])
        for name, slots in source.slots.items():
            own = self.slots[name]
            for key, value in slots.items():
                if not isinstance(value, Tensor):
                    own[key] = value
                elif source.is_stacked(name, value):
                    own[key][:rows].copy_(value[:rows])
                else:
                    own[key].copy_(value)

    @classmethod
    def joined(cls, parts: Sequence["Members"]) -> "Members":
        """Return the members of several parts as one; what parts share (step counts) is the first part's."""
        first = parts[0]
        if len(parts) == 1:
            return first

        def slot(name: str, key: str, value: Any) -> Any:
            if not isinstance(value, Tensor) or not first.is_stacked(name, value):
                return value
            return torch.cat([part.slots[name][key] for part in parts])

        return cls(
            params={name: torch.cat([part.params[name] for part in parts]) for name in first.params},
            buffers={name: torch.cat([part.buffers[name] for part in parts]) for name in first.buffers},
            slots={
                name: {key: slot(name, key, value) for key, value in slots.items()}
                for name, slots in first.slots.items()
            },
            alive=torch.cat([part.alive for part in parts]),
            decay=None
            if first.decay is None
            else torch.cat([part.decay for part in parts if part.decay is not None]),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return copies of everything, nested in dicts."""
        copied = self.pick(range(self.size))
        return {
            "params": copied.params,
            "buffers": copied.buffers,
            "slots": copied.slots,
            "alive": copied.alive,
            "decay": copied.decay,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], device: torch.device) -> "Members":
        """Return the members of a saved state, copied to a device; what they share stays where it is."""
        saved = cls(**state)
        moved = cls(
            params={name: value.to(device) for name, value in saved.params.items()},
            buffers={name: value.to(device) for name, value in saved.buffers.items()},
            alive=saved.alive.to(device),
            decay=None if saved.decay is None else saved.decay.to(device),
        )
        for name, slots in saved.slots.items():
            moved.slots[name] = {
                key: value.to(device)
                if isinstance(value, Tensor) and saved.is_stacked(name, value)
                else value
                for key, value in slots.items()
            }
        return moved.pick(range(moved.size))


def _repeat(value: Tensor, size: int) -> Tensor:
    return value.detach().unsqueeze(0).repeat(size, *([1] * value.ndim))


def _index(members: Sequence[int], device: torch.device) -> Tensor | slice:
    if isinstance(members, range) and members.step == 1:
        return slice(members.start, members.stop)
    return torch.tensor(list(members), device=device)


def _rows(value: Tensor, index: Tensor | slice) -> Tensor:
    """Return a copy of some rows; a slice is many times faster than an index of the same rows."""
    return value[index].clone() if isinstance(index, slice) else value[index]
