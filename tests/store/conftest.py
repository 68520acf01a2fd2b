"""The table of what was tried with a store and what happened, which `make test-crash` puts into its page."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Tried = Callable[[str, object, str], None]
BEGIN, END = "<!-- tried: begin -->\n", "<!-- tried: end -->\n"


@pytest.fixture(scope="session")
def tried() -> Iterator[Tried]:
    """Write down what was tried, how often, and what happened; a page is named in the environment."""
    rows: list[tuple[str, str, str]] = []
    yield lambda what, times, happened: rows.append((what, str(times), happened))
    page = os.environ.get("RIGHTRATE_RELIABILITY")
    if page and rows:
        text = Path(page).read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        table = ["| what was tried | times | what happened |", "|---|---|---|"]
        table += [f"| {' | '.join(row)} |" for row in rows]
        Path(page).write_text("\n".join([before + BEGIN, *table, "", END + after]), encoding="utf-8")
