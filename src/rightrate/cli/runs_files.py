"""Studies as files: CSV and Parquet of the trials, JSON of everything."""

import io
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rightrate import _check
from rightrate.cli.files import STDOUT, as_json, check_writable, write, write_bytes
from rightrate.errors import ConfigError, MissingExtraError, describe
from rightrate.store.plain import finite
from rightrate.store.reader import reading
from rightrate.store.table import table

__all__ = ["export"]


def export(path: Path, number: int, *, format_: str, output: str) -> None:
    """Write a study to a file or to stdout.

    Args:
        path: The store.
        number: The study.
        format_: "csv", "json" or "parquet".
        output: The file; "-" is stdout.

    Raises:
        ConfigError: If the format is another, or the file cannot be written.
        MissingExtraError: If Parquet is asked for and pyarrow is not installed.
        StoreError: If there is no such study.
    """
    _check.choice("--format", format_, ("csv", "json", "parquet"))
    if output != STDOUT:
        check_writable("--output", Path(output))
    elif format_ == "parquet":
        raise ConfigError(describe("--output", "a file where --format is parquet", output))
    with reading(path) as store:
        contents = store.study(number)
    if format_ == "json":
        _text(output, as_json(finite(asdict(contents))))
    elif format_ == "csv":
        _text(output, _frame(table(contents)).to_csv(index=False, na_rep="nan"))
    else:
        write_bytes("--output", Path(output), _parquet(_frame(table(contents))))


def _frame(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["study", "piece"])


def _parquet(frame: Any) -> bytes:
    stream = io.BytesIO()
    try:
        frame.to_parquet(stream, engine="pyarrow", index=False)
    except ImportError as error:
        message = "Parquet needs pyarrow, which is not installed: pip install pyarrow. Or use --format csv."
        raise MissingExtraError(message) from error
    return stream.getvalue()


def _text(output: str, text: str) -> None:
    if output == STDOUT:
        sys.stdout.write(text)
    else:
        write("--output", Path(output), text)
