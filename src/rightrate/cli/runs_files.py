"""Studies as files: CSV and Parquet of the trials, or of a watched run's log; JSON of everything."""

import io
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rightrate import _check
from rightrate.cli.files import STDOUT, as_json, check_writable, write, write_bytes
from rightrate.errors import ConfigError, MissingExtraError, describe
from rightrate.store.frozen import from_plain
from rightrate.store.plain import finite
from rightrate.store.reader import reading
from rightrate.store.table import log_table, table

__all__ = ["export", "report"]

_INSTALL = "Parquet needs pyarrow; install it with: pip install 'rightrate[parquet]'. Or use --format csv."


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
        contents, log = store.study(number), store.log(number)
    if format_ == "json":
        _text(output, as_json(finite({**asdict(contents), "log": [asdict(event) for event in log]})))
        return
    frame = _frame(table(contents) if contents.pieces else log_table(number, log))
    if format_ == "csv":
        _text(output, frame.to_csv(index=False, na_rep="nan"))
    else:
        write_bytes("--output", Path(output), _parquet(frame))


def report(path: Path, number: int, *, output: str) -> None:
    """Write the HTML report of a finished study.

    Raises:
        ConfigError: If it is not finished, or the file cannot be written.
        StoreError: If there is no such study, or what it came to is not what a report shows.
    """
    check_writable("--report", Path(output))
    with reading(path) as store:
        contents = store.study(number)
    if contents.record is None:
        where = f"study {number}, which is {contents.listed.status}"
        raise ConfigError(describe("--report", "of a study that is finished", where))
    write("--report", Path(output), _page(contents.listed.kind, contents.record))


def _page(kind: str, record: Any) -> str:
    if kind == "compare":
        from rightrate.report.compare_page import compare_page
        from rightrate.search.compare_record import CompareRecord

        return compare_page(from_plain(CompareRecord, record))
    if kind == "tune":
        from rightrate.report.tune_page import tune_page
        from rightrate.search.tune_record import TuneRecord

        return tune_page(from_plain(TuneRecord, record))
    if kind == "watch":
        from rightrate.report.watch_page import watch_page
        from rightrate.report.watch_view import WatchView

        return watch_page(WatchView.from_dict(record))
    from rightrate.report.html import page
    from rightrate.search.record import Record

    return page(from_plain(Record, record))


def _frame(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["study", "piece"])


def _parquet(frame: Any) -> bytes:
    stream = io.BytesIO()
    try:
        frame.to_parquet(stream, engine="pyarrow", index=False)
    except ImportError as error:
        raise MissingExtraError(_INSTALL) from error
    return stream.getvalue()


def _text(output: str, text: str) -> None:
    if output == STDOUT:
        sys.stdout.write(text)
    else:
        write("--output", Path(output), text)
