"""Checks of what a population is given: a table of rates, a list of members, a saved state."""

import operator
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from rightrate.errors import ConfigError, describe
from rightrate.schedules import FloatArray

__all__ = ["check_members", "check_table", "check_tensors"]


def check_table(lr: FloatArray, size: int) -> FloatArray:
    """Return the table as float64 of shape (S, K), or raise `ConfigError`.

    Example:
        >>> check_table(np.full((2, 1), 0.1), 1).shape
        (2, 1)
    """
    table = np.asarray(lr, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != size:
        allowed = f"a table of shape (steps, {size}), a column for each member"
        raise ConfigError(describe("advance(lr)", allowed, f"shape {table.shape}"))
    bad = ~np.isfinite(table) | (table < 0)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        allowed = "finite and >= 0 everywhere"
        received = f"{table[row, column]} at row {row}, member {column}"
        raise ConfigError(describe("advance(lr)", allowed, received))
    return table


def check_members(members: Sequence[int], size: int) -> list[int]:
    """Return the members as a list of indices in [0, size), at least one, or raise `ConfigError`."""
    allowed = f"at least one index in [0, {size - 1}]"
    try:
        indices = [operator.index(member) for member in members]
    except TypeError:
        raise ConfigError(describe("take(members)", allowed, list(members))) from None
    if not indices or any(not 0 <= index < size for index in indices):
        raise ConfigError(describe("take(members)", allowed, list(members)))
    return indices


def check_tensors(saved: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
    """Raise `ConfigError` unless a saved state holds the same tensors, by name, shape and dtype."""
    for name in sorted(saved.keys() | own.keys()):
        found, wanted = _kind(saved.get(name)), _kind(own.get(name))
        if found != wanted:
            advice = "Load it into a population of the same task and optimizer."
            allowed = f"the state of the same model, with {wanted} as '{name}'"
            raise ConfigError(describe("load_state_dict(state)", allowed, found, advice))


def _kind(value: Tensor | None) -> str:
    return "nothing" if value is None else f"{value.dtype} of shape {tuple(value.shape)}"
