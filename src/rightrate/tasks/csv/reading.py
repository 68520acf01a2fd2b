"""Reads a CSV file of any size, encoding and separator into a table of text."""

import codecs
import csv
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rightrate.errors import DataError, TaskError, describe

__all__ = ["Table", "read"]

_MOST_ROWS = 200_000
_MOST_CELLS = 20_000_000
_BLOCK_BYTES = 1 << 20
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
        most_rows: Rows that are kept at most; fewer where the rows are wide.

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
    try:
        frame, rows = _sampled(_chunks(path, encoding, separator), seed, most_rows)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        advice = (
            "Every line needs as many fields as the header; put fields with a separator inside in quotes."
        )
        raise DataError(describe(where, "a table", str(error).strip(), advice)) from error
    if len(frame) < rows:
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


def _chunks(path: Path, encoding: str, separator: str) -> Iterator[pd.DataFrame]:
    """Yield the rows in parts, all cells as text: a type guessed part by part could differ between parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        yield from pd.read_csv(
            path,
            sep=separator,
            encoding=encoding,
            dtype=str,
            na_values=["?"],
            index_col=False,
            skipinitialspace=True,
            chunksize=20_000,
        )


def _sampled(chunks: Iterator[pd.DataFrame], seed: int, most_rows: int) -> tuple[pd.DataFrame, int]:
    """Return a uniform sample of the rows in their order, and how many there were.

    Every row draws a number and the rows with the smallest ones stay, so that one pass is enough.
    """
    generator = np.random.default_rng(seed)
    kept: list[pd.DataFrame] = []
    draws = np.empty(0)
    rows = 0
    for chunk in chunks:
        rows += len(chunk)
        most = min(most_rows, max(1, _MOST_CELLS // max(1, chunk.shape[1])))
        kept.append(chunk)
        draws = np.concatenate([draws, generator.random(len(chunk))])
        if len(draws) > 2 * most:
            kept, draws = _smallest(kept, draws, most)
    if len(draws) > most:
        kept, draws = _smallest(kept, draws, most)
    return pd.concat(kept).reset_index(drop=True), rows


def _smallest(
    kept: list[pd.DataFrame], draws: np.ndarray, most: int
) -> tuple[list[pd.DataFrame], np.ndarray]:
    """Return the rows with the `most` smallest draws, in their order, and the draws."""
    places = np.sort(np.argsort(draws, kind="stable")[:most])
    return [pd.concat(kept).iloc[places]], draws[places]
