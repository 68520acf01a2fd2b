"""Reads a CSV file of any size, encoding and separator into a table of text."""

import codecs
import csv
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rightrate.errors import DataError, TaskError, describe

__all__ = ["Table", "read"]

_MOST_ROWS = 200_000
_MOST_CELLS = 20_000_000
_BLOCK_BYTES = 1 << 20
_MOST_RECORD_BYTES = 1 << 24
_SNIFFED_CHARACTERS = 1 << 16
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows that are used, every cell as text or missing.

    Args:
        frame: The rows in the order of the file.
        rows: Rows in the file.
        notes: What was decided while reading, one sentence each.
    """

    frame: pd.DataFrame
    rows: int
    notes: tuple[str, ...] = ()


def read(path: Path, *, seed: int, most_rows: int = _MOST_ROWS) -> Table:
    """Return the table in a CSV file; of a very large one a random sample of the rows.

    Args:
        path: The file: one header line, any of `,` `;` tab `|` between fields.
        seed: Decides which rows of a large file are kept.
        most_rows: Rows that are kept at most; fewer where there are more than a hundred columns.

    Raises:
        TaskError: If there is no such file.
        DataError: If the file is empty, is not text, or its lines do not have the same number of fields.
    """
    where = f"The file {str(path)!r}"
    if not path.is_file():
        received = "a folder" if path.is_dir() else "no such file"
        raise TaskError(describe(where, "an existing CSV file", received, "Check the path."))
    notes: list[str] = []
    encoding = _encoding(path, where)
    if encoding != "utf-8-sig":
        notes.append(f"The file is not in UTF-8; it was read as {encoding}.")
    with path.open(encoding=encoding, newline="") as file:
        head = file.read(_SNIFFED_CHARACTERS)
    if not head.strip():
        raise DataError(describe(where, "a table with a header line and rows", "an empty file"))
    separator = _separator(head)
    if separator != ",":
        notes.append(f"Fields are separated by {separator!r}.")
    # Separators in the first line are columns, or a few more where a name in quotes holds one.
    columns = head.lstrip().partition("\n")[0].count(separator) + 1
    text, left_out = _sampled(path, encoding, seed, min(most_rows, max(1, _MOST_CELLS // columns)))
    try:
        frame = _parsed(text, separator)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        advice = (
            "Every line needs as many fields as the header; put fields with a separator inside in quotes."
        )
        raise DataError(describe(where, "a table", str(error).strip(), advice)) from error
    rows = len(frame) + left_out
    if left_out:
        notes.append(f"The file has {rows:,} rows; {len(frame):,} of them, drawn at random, are used.")
    return Table(frame=frame, rows=rows, notes=tuple(notes))


def _encoding(path: Path, where: str) -> str:
    """Return the encoding of a text file: UTF-8 if it is valid UTF-8, else what fits."""
    with path.open("rb") as file:
        if file.read(2) in _UTF16:
            return "utf-16"
    for encoding in ("utf-8-sig", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for block in _blocks(path):
                if b"\0" in block:
                    advice = "Export the sheet or database as CSV in UTF-8."
                    raise DataError(describe(where, "a text file", "binary data", advice))
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    advice = "Save it again in UTF-8."
    raise DataError(describe(where, "text in UTF-8 or Windows-1252", "bytes that are neither", advice))


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield a file in blocks."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _separator(head: str) -> str:
    """Return what stands between the fields."""
    try:
        return csv.Sniffer().sniff("".join(head.splitlines(keepends=True)[:50]), delimiters=",;\t|").delimiter
    except csv.Error:
        return ","


def _parsed(text: bytes, separator: str) -> pd.DataFrame:
    """Return the table in a text in UTF-8, all cells as text: types are decided by whole columns, later."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.BytesIO(text),
            sep=separator,
            encoding="utf-8",
            dtype=str,
            na_values=["?"],
            index_col=False,
            skipinitialspace=True,
        )


def _sampled(path: Path, encoding: str, seed: int, most: int) -> tuple[bytes, int]:
    """Return the header and all rows, or `most` of them drawn at random, in UTF-8, and how many are left out.

    Only what is kept is parsed: parsing is most of the time a file of a gigabyte takes.
    """
    count = sum(len(ends) for _, ends in _records(path, encoding)) - 1
    if count <= most:
        return b"".join(data for data, _ in _records(path, encoding)), 0
    kept = np.zeros(count + 1, dtype=bool)
    kept[0] = True
    kept[1 + np.random.default_rng(seed).choice(count, most, replace=False)] = True
    parts: list[bytes] = []
    before = 0
    for data, ends in _records(path, encoding):
        starts = np.concatenate([[0], ends[:-1]])
        places = np.flatnonzero(kept[before : before + len(ends)])
        parts += [data[starts[place] : ends[place]] for place in places]
        before += len(ends)
    return b"".join(parts), count - most


def _records(path: Path, encoding: str) -> Iterator[tuple[bytes, NDArray[np.int64]]]:
    """Yield whole records (the header and rows) in UTF-8, many at a time, with the end of each.

    A line break ends a record unless an odd number of quotation marks is before it in the record.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    rest, started = b"", False
    for block in _blocks(path):
        data = rest + decoder.decode(block).encode()
        if not started:
            data = data.lstrip()
            started = bool(data)
        symbols = np.frombuffer(data, dtype=np.uint8)
        breaks = symbols == ord("\n")
        if b'"' in data and len(rest) < _MOST_RECORD_BYTES:
            # Beyond, a lone quotation mark is likelier than a record of that size.
            breaks &= np.cumsum(symbols == ord('"')) % 2 == 0
        ends = np.flatnonzero(breaks) + 1
        cut = int(ends[-1]) if len(ends) else 0
        yield data[:cut], ends
        rest = data[cut:]
    if rest.strip():
        yield rest + b"\n", np.array([len(rest) + 1])
