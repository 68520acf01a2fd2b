"""What objects were like, and how to make them so again, bit for bit and only where they changed.

`keep(value)` remembers a value with all that is in its dicts, lists, sets and tensors; `restore()` of what it
returns gives back the very same objects with the same content.
"""

from typing import Any, Protocol

import torch

__all__ = ["Kept", "KeptAttributes", "keep"]

_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


class Kept(Protocol):
    """Something remembered."""

    def restore(self) -> Any:
        """Return the remembered object with the content it had."""
        ...


def keep(value: Any, memo: dict[int, Kept] | None = None) -> Kept:
    """Remember a value: containers and tensors with their content, anything else as it is.

    Args:
        value: What to remember.
        memo: By id, what was remembered already, so that shared tensors and cycles are met once.
    """
    memo = {} if memo is None else memo
    known = memo.get(id(value))
    if known is not None:
        return known
    if isinstance(value, torch.Tensor):
        return _KeptTensor(value, memo)
    if isinstance(value, dict):
        return _KeptDict(value, memo)
    if isinstance(value, list):
        return _KeptList(value, memo)
    return _KeptSet(value) if isinstance(value, set) else _KeptObject(value)


class KeptAttributes:
    """Remembers the attributes and the class of an object.

    Args:
        owner: The object.
        memo: As for `keep`.
        deep: Remember the content of tensors and containers among the attributes too.
    """

    def __init__(self, owner: Any, memo: dict[int, Kept], *, deep: bool = True) -> None:
        self._owner = owner
        self._class = type(owner)
        attributes: dict[str, Any] = getattr(owner, "__dict__", {})
        self._attributes = keep(attributes, memo) if deep else _KeptDict(attributes, None)

    def restore(self) -> Any:
        """Return the object as it was."""
        if type(self._owner) is not self._class:  # a lazy module became an ordinary one
            self._owner.__class__ = self._class
        self._attributes.restore()
        return self._owner


class _KeptObject:
    def __init__(self, value: Any) -> None:
        self._value = value

    def restore(self) -> Any:
        return self._value


class _KeptDict:
    def __init__(self, value: dict[Any, Any], memo: dict[int, Kept] | None) -> None:
        self._value = value
        if memo is None:
            self._items: list[tuple[Any, Kept]] = [(key, _KeptObject(item)) for key, item in value.items()]
        else:
            memo[id(value)] = self
            self._items = [(key, keep(item, memo)) for key, item in value.items()]
        self._busy = False

    def restore(self) -> Any:
        if self._busy:
            return self._value
        self._busy = True
        items = [(key, item.restore()) for key, item in self._items]
        self._busy = False
        value = self._value
        if [*map(id, value)] != [id(key) for key, _ in items] or any(
            value[key] is not item for key, item in items
        ):
            value.clear()
            value.update(items)
        return value


class _KeptList:
    def __init__(self, value: list[Any], memo: dict[int, Kept]) -> None:
        memo[id(value)] = self
        self._value = value
        self._items = list(value)
        kinds = (dict, list, set, torch.Tensor)
        self._inner = {
            place: keep(item, memo) for place, item in enumerate(self._items) if isinstance(item, kinds)
        }
        self._busy = False

    def restore(self) -> Any:
        if not self._busy:
            self._busy = True
            for kept in self._inner.values():
                kept.restore()
            self._busy = False
            if [*map(id, self._value)] != [*map(id, self._items)]:
                self._value[:] = self._items
        return self._value


class _KeptSet:
    def __init__(self, value: set[Any]) -> None:
        self._value = value
        self._items = set(value)

    def restore(self) -> Any:
        if self._value != self._items:
            self._value.clear()
            self._value.update(self._items)
        return self._value


class _KeptTensor:
    """Remembers a tensor: where its numbers lie, the numbers, its gradient, `requires_grad` and hooks."""

    def __init__(self, value: torch.Tensor, memo: dict[int, Kept]) -> None:
        memo[id(value)] = self
        self._value = value
        self._class = type(value)
        self._requires_grad = value.requires_grad
        self._memory = value.data
        plain = value.layout is torch.strided and value.device.type != "meta"
        self._numbers = self._memory.clone() if plain and not torch.nn.parameter.is_lazy(value) else None
        self._grad = keep(value.grad, memo) if value.is_leaf else None
        hooks = [(name, getattr(value, name, None)) for name in _HOOKS]
        self._hooks = [(name, value_, keep(value_, memo)) for name, value_ in hooks]

    def restore(self) -> Any:
        value = self._value
        if type(value) is not self._class:  # a parameter of a lazy module took shape
            value.data = self._memory
            value.__class__ = self._class
        if self._numbers is not None:
            if value.data_ptr() != self._memory.data_ptr() or value.shape != self._memory.shape:
                value.data = self._memory
            if not _same_bits(self._memory, self._numbers):
                with torch.inference_mode(value.is_inference()):
                    self._memory.copy_(self._numbers)
        if self._grad is not None:
            grad = self._grad.restore()
            if value.grad is not grad:
                value.grad = grad
        if value.is_leaf and value.requires_grad != self._requires_grad:
            value.requires_grad_(self._requires_grad)
        for name, hooks, kept in self._hooks:
            kept.restore()
            if getattr(value, name, None) is not hooks:
                setattr(value, name, hooks)
        return value


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Compare bits, for which NaN equals itself and 0.0 is not -0.0."""
    if a.is_complex():
        a, b = torch.view_as_real(a.resolve_conj()), torch.view_as_real(b.resolve_conj())
    word = _WORDS.get(a.element_size()) if a.is_floating_point() else None
    return torch.equal(a, b) if word is None else torch.equal(a.view(word), b.view(word))
