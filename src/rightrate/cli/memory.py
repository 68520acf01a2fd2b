"""Where a command remembers its study."""

import os
from dataclasses import dataclass
from pathlib import Path

from rightrate.errors import ConfigError, describe

__all__ = ["DEFAULT", "VARIABLE", "Memory", "default_store"]

DEFAULT = "runs.db"
VARIABLE = "RIGHTRATE_STORE"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The store of a command.

    Args:
        store: The file, or None where nothing is remembered.
        fresh: Whether to start anew.
        note: What to tell people about it, or "".
    """

    store: str | None
    fresh: bool = False
    note: str = ""

    @classmethod
    def chosen(cls, store: str | None, *, no_store: bool, fresh: bool) -> "Memory":
        """Return what the options `--store`, `--no-store` and `--fresh` say.

        Raises:
            ConfigError: If they contradict each other.
        """
        if no_store:
            if store is not None:
                raise ConfigError(describe("--store and --no-store", "given as one of the two", store))
            return cls(store=None)
        if store is not None:
            return cls(store=store, fresh=fresh)
        usual = default_store()
        if usual is None:
            return cls(store=None)
        path = Path(usual)
        if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            return cls(store=None, note=f"{usual} cannot be written here, so nothing is remembered.")
        return cls(store=usual, fresh=fresh)


def default_store() -> str | None:
    """Return the store that is used where none is named; None where the environment says there is none."""
    return os.environ.get(VARIABLE, DEFAULT) or None
