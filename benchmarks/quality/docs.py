"""Puts the measured tables into the documents, so that no number there is older than the results."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.bars import bar_rows, bars
from benchmarks.quality.scores import Book, Scored
from benchmarks.quality.table import losses, markdown, short, tool_rows, without_wide

__all__ = ["fill", "write_docs"]

_ROOT = Path(__file__).parents[2]


def write_docs(scored: Sequence[Scored], book: Book) -> None:
    """Rewrite the tables of `docs/quality.md` and of the README."""
    plain = without_wide(scored)
    rows = tool_rows(plain, book)
    page = _ROOT / "docs" / "quality.md"
    fill(page, "all", markdown(rows))
    for name, half in (("development", "development"), ("held out", "held out")):
        own = [item for item in plain if item.answer.case.half == half]
        fill(page, name, markdown(tool_rows(own, book)))
    fill(page, "bars", bar_rows(bars(scored, book)))
    fill(page, "losses", losses(plain))
    fill(page, "short", short(rows))
    fill(_ROOT / "README.md", "short", short(rows))


def fill(path: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end -->`.

    Raises:
        SystemExit: If the document has no such place.
    """
    document = path.read_text()
    begin, end = f"<!-- {name} -->\n", "<!-- end -->"
    if begin not in document or end not in document.split(begin, 1)[1]:
        raise SystemExit(f"{path.name} has no place between '{begin.strip()}' and '{end}'.")
    before, rest = document.split(begin, 1)
    path.write_text(f"{before}{begin}\n{text}\n\n{end}{rest.split(end, 1)[1]}")
