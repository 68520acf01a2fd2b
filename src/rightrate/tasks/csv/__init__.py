"""CSV files as tasks. Importing this package is light; `load_csv` imports pandas, scikit-learn and torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rightrate.tasks.csv.load import load_csv

__all__ = ["load_csv"]


def __getattr__(name: str) -> Any:
    """Import `load_csv` at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rightrate.tasks.csv import load

    return getattr(load, name)
