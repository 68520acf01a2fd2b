"""How names and values of a file are shown in notes and messages."""

import difflib
from collections.abc import Sequence

__all__ = ["closest", "listed"]


def listed(names: Sequence[object], most: int = 8) -> str:
    """Return names in quotes, separated by commas, and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(repr(name if len(str(name)) <= 60 else f"{str(name)[:57]}...") for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def closest(name: str, known: Sequence[str]) -> str | None:
    """Return the known name most like `name`, small and capital letters alike, or None.

    Example:
        >>> closest("Churn", ["age", "churned"])
        'churned'
    """
    folded = {other.casefold().strip(): other for other in reversed(known)}
    found = difflib.get_close_matches(name.casefold().strip(), list(folded), n=1, cutoff=0.5)
    return folded[found[0]] if found else None
