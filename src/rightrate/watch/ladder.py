"""From findings to what is done about them: the ladder."""

from collections.abc import Sequence
from typing import Any

from rightrate.watch.mender import Order

__all__ = ["Ladder"]


class Ladder:
    """Chooses what to do about findings."""

    def order(self, findings: Sequence[Any], watch: Any) -> Order | None:
        """Return what is to be done, or None."""
        return None
