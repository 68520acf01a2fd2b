"""Nested states of populations as safetensors: no pickle is ever written or read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from rightrate.errors import ConfigError, StoreError, describe

__all__ = ["pack", "unpack"]

_TREE = "tree"
_SCALARS = (bool, int, float, str, type(None))


def pack(state: Mapping[str, Any]) -> bytes:
    """Return a state as the content of one safetensors file.

    Its tensors are those of the file, by number; how they are nested, and all plain data, is JSON in its
    header. A tensor keeps its dtype, its shape, its values bit for bit and the order of its axes in memory,
    on which rounding can depend; it comes back on the CPU.

    Args:
        state: Mappings (of names or numbers), lists and tuples of tensors, numpy arrays and numbers, bytes,
            numbers, strings and None, nested.

    Raises:
        ConfigError: If there is anything else in it.

    Example:
        >>> unpack(pack({"step": 3, "loss": float("nan"), "slots": {0: (torch.ones(2), None)}}))
        {'step': 3, 'loss': nan, 'slots': {0: (tensor([1., 1.]), None)}}
    """
    tensors: dict[str, Tensor] = {}
    tree = _folded(state, tensors, "state")
    return save(tensors, {_TREE: json.dumps(tree, separators=(",", ":"))})


def unpack(content: bytes) -> Any:
    """Return the state of a file's content.

    Raises:
        StoreError: If it is not what `pack` returns.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        tree = json.loads(header["__metadata__"][_TREE])
        return _unfolded(tree, load(content))
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError, RuntimeError) as error:
        raise StoreError(f"A state cannot be read: {str(error)[:200].rstrip('.')}.") from error


def _folded(value: Any, tensors: dict[str, Tensor], place: str) -> Any:
    """Return plain data for a value; scalars stand for themselves, all else is a mapping with its kind."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Tensor):
        return {"kind": "tensor", **_stored(value.detach(), tensors, place)}
    if isinstance(value, np.ndarray | np.generic):
        kind = "array" if isinstance(value, np.ndarray) else "number"
        return {"kind": kind, **_stored(_from_numpy(np.asarray(value), place), tensors, place)}
    if isinstance(value, bytes | bytearray):
        tensor = torch.frombuffer(bytearray(value), dtype=torch.uint8) if value else torch.empty(0).byte()
        return {"kind": "bytes", **_stored(tensor, tensors, place)}
    if isinstance(value, Mapping):
        return {"kind": "mapping", "items": [_item(key, value[key], tensors, place) for key in value]}
    if isinstance(value, Sequence) and not isinstance(value, str):
        kind = "tuple" if isinstance(value, tuple) else "list"
        items = [_folded(item, tensors, f"{place}[{index}]") for index, item in enumerate(value)]
        return {"kind": kind, "items": items}
    raise _refused(place, value)


def _item(key: Any, value: Any, tensors: dict[str, Tensor], place: str) -> list[Any]:
    if type(key) not in _SCALARS:
        raise _refused(f"A name in {place}", key)
    return [key, _folded(value, tensors, f"{place}[{key!r}]")]


def _stored(tensor: Tensor, tensors: dict[str, Tensor], place: str) -> dict[str, Any]:
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise _refused(place, tensor)
    if tensor.is_complex():
        return {"complex": True, **_stored(torch.view_as_real(tensor.resolve_conj()), tensors, place)}
    name = str(len(tensors))
    strides = tensor.stride()
    order = sorted(range(tensor.ndim), key=lambda axis: -strides[axis])
    turned = tensor.permute(order)
    kept = not tensor.is_contiguous() and turned.is_contiguous()
    tensors[name] = (turned if kept else tensor).cpu().contiguous().clone()
    return {"name": name, "order": order} if kept else {"name": name}


def _from_numpy(array: Any, place: str) -> Tensor:
    try:
        return torch.from_numpy(array.copy())
    except TypeError:
        raise _refused(place, array) from None


def _refused(place: str, value: Any) -> ConfigError:
    allowed = "a tensor, an array, a number, a string, None, or mappings and sequences of them"
    return ConfigError(describe(place, allowed, value))


def _unfolded(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    kind = node["kind"]
    if kind == "mapping":
        return {key: _unfolded(value, tensors) for key, value in node["items"]}
    if kind in ("list", "tuple"):
        items = [_unfolded(item, tensors) for item in node["items"]]
        return tuple(items) if kind == "tuple" else items
    tensor = tensors[node["name"]]
    if "order" in node:
        tensor = tensor.permute([node["order"].index(axis) for axis in range(tensor.ndim)])
    if node.get("complex"):
        tensor = torch.view_as_complex(tensor)
    if kind == "tensor":
        return tensor
    if kind == "array":
        return tensor.numpy()
    return bytes(tensor.numpy()) if kind == "bytes" else tensor.numpy()[()]
