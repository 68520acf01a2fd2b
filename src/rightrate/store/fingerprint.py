"""Digests of what a study is about, by which a changed task is noticed."""

import dataclasses
import functools
import hashlib
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from rightrate.tasks.own_step import OwnStep

if TYPE_CHECKING:
    from rightrate.population.prepare import Prepared

__all__ = ["fingerprint"]

_WHOLE_BYTES = 1 << 29
_DEPTH = 30


def fingerprint(prepared: "Prepared", seed: int, more: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest of each part of a task: model, loss, metrics, optimizer, training and validation data.

    Of a model it is the settings of its modules and all parameters and buffers at the start; of a function
    its code and what it closes over. Data in memory count as a whole up to 512 MiB, others by their number of
    samples and their first batch.

    Args:
        prepared: The task.
        seed: Whose weights and batches are used.
        more: Further parts by name, such as a strategy: functions, dataclasses, arrays.

    Returns:
        Name of the part -> SHA-256.
    """
    task, setup = prepared.task, prepared.setup(seed)
    program = setup.program
    model: Any = (
        (program.model, program.model.state()) if isinstance(program.model, OwnStep) else program.model
    )
    return {
        "model": _digest(model),
        "loss": _digest(task.loss if task.loss is not None else task.step),
        "metrics": _digest(dict(task.metrics)),
        "optimizer": _digest(_settings_of_optimizer(prepared, setup)),
        "training data": _digest(
            _data(task.train), prepared.train.samples, next(iter(setup.train.stream(seed)))
        ),
        "validation data": _digest(_data(task.valid), next(iter(prepared.valid))),
        **{name: _digest(value) for name, value in more.items()},
    }


def _settings_of_optimizer(prepared: "Prepared", setup: Any) -> Any:
    if isinstance(setup.program.model, OwnStep):
        return prepared.spec.label
    optimizer = setup.build_optimizer(setup.program)
    groups = [
        ({name: value for name, value in group.items() if name != "params"}, len(group["params"]))
        for group in optimizer.param_groups
    ]
    return type(optimizer).__qualname__, groups


def _data(data: Any) -> Any:
    """Return the arrays of data in memory, where they are not too many to read."""
    inner = data.dataset if isinstance(data, DataLoader) else data
    whole = inner.tensors if isinstance(inner, TensorDataset) else inner
    items = list(whole.values()) if isinstance(whole, Mapping) else whole
    arrays: list[Any] = list(items) if isinstance(items, tuple | list) else [items]
    if not all(isinstance(item, Tensor | np.ndarray) for item in arrays):
        return None
    return arrays if sum(int(item.nbytes) for item in arrays) <= _WHOLE_BYTES else None


def _digest(*values: Any) -> str:
    feed = _Feed()
    for value in values:
        feed.add(value)
    return feed.hash.hexdigest()


class _Feed:
    """Feeds values to a hash: what they are, and never where they are."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self._open: set[int] = set()

    def add(self, value: Any) -> None:
        if id(value) in self._open or len(self._open) > _DEPTH:
            return
        self._open.add(id(value))
        self._text(type(value).__qualname__)
        self._content(value)
        self._open.discard(id(value))

    def _content(self, value: Any) -> None:
        if isinstance(value, Tensor):
            self._tensor(value)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            self._tensor(torch.from_numpy(np.ascontiguousarray(value).copy()))
        elif isinstance(value, str | bytes | int | float | None | types.EllipsisType):
            self._text(repr(value))
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self.add(key)
                self.add(item)
        elif isinstance(value, Sequence):
            self._text(str(len(value)))
            for item in value:
                self.add(item)
        elif isinstance(value, nn.Module):
            self._module(value)
        elif isinstance(value, functools.partial):
            self.add((value.func, value.args, value.keywords))
        elif dataclasses.is_dataclass(value):
            self.add(vars(value))
        else:
            self._function(value)

    def _module(self, module: nn.Module) -> None:
        for name, part in module.named_modules():
            self._text(f"{name} {type(part).__qualname__}")
            plain = {key: item for key, item in sorted(vars(part).items()) if _is_plain(item)}
            self.add(plain)
        for name, value in (*module.named_parameters(), *module.named_buffers()):
            self._text(name)
            self.add(value)

    def _function(self, value: Any) -> None:
        self._text(f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}")
        code = getattr(value, "__code__", None)
        if isinstance(code, types.CodeType):
            self._code(code)
            cells = getattr(value, "__closure__", None) or ()
            self.add([_content_of(cell) for cell in cells])
            self.add(getattr(value, "__defaults__", None))
            self.add(getattr(value, "__kwdefaults__", None))

    def _code(self, code: types.CodeType) -> None:
        self.hash.update(code.co_code)
        self._text(repr((code.co_names, code.co_varnames)))
        for item in code.co_consts:
            if isinstance(item, types.CodeType):
                self._code(item)
            elif not isinstance(item, frozenset):  # whose order changes from process to process
                self._text(repr(item))

    def _tensor(self, tensor: Tensor) -> None:
        self._text(f"{tensor.dtype} {tuple(tensor.shape)} {tensor.layout}")
        if tensor.layout == torch.strided:
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            self.hash.update(flat.view(torch.uint8).numpy().data)

    def _text(self, text: str) -> None:
        self.hash.update(text.encode(errors="backslashreplace") + b"\0")


def _content_of(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is not filled yet
        return None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | None) or (
        isinstance(value, tuple | list) and all(isinstance(item, str | int | float | None) for item in value)
    )
