"""Replay the search on recorded training runs, and rules with the same budget beside it.

    python -m benchmarks.quality.records --records PATH            # print the tables
    python -m benchmarks.quality.records --records PATH --write    # and write results/records.md and .csv

PATH is a folder with the three files that `results/records.md` describes; they are made from the public
repository fsschneider/DeepOBS_Baselines (MIT) and are no part of this one. Nothing is trained: every rule is
shown the losses of recorded runs, at the recorded rate nearest to the one it asks for, and the steps it asks
for are counted. There is one seed a rate, so there is one answer a pair and no spread over seeds.
"""

import argparse
import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks.quality.replays.page import page, pair_table, summary_table
from benchmarks.quality.replays.pair import Pair, read_pairs
from benchmarks.quality.replays.rules import RULES
from benchmarks.quality.replays.score import Row, constant_rows, replay

__all__ = ["BUDGETS", "RANGES", "measure"]

BUDGETS = (1.0, 0.25)
RANGES = ("usual", "all")
_RESULTS = Path(__file__).resolve().parent.parent / "results"


def measure(pairs: Sequence[Pair]) -> list[Row]:
    """Return every rule's answer on every pair that trains, for each budget and range."""
    trained = [pair for pair in pairs if pair.trains()]
    rows = [
        replay(pair, rule, budget, rates)
        for rates in RANGES
        for budget in BUDGETS
        for rule in RULES
        for pair in trained
    ]
    constants = [constant_rows(pair) for pair in trained]
    return rows + [pair_rows[place] for place in range(2) for pair_rows in constants]


def table_of(rows: Sequence[Row]) -> str:
    """Return the rows as CSV."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*(item.name for item in fields(Row)), "cost"])
    for row in rows:
        table.writerow([_plain(value) for value in (*asdict(row).values(), row.cost)])
    return text.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.5g}" if math.isfinite(value) else ""
    return "" if value is None else value


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=Path, help="folder of the records")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/records.md and .csv")
    parsed = parser.parse_args(arguments)
    if parsed.records is None:
        raise SystemExit("Say where the records are: --records PATH. They are not kept in this repository.")
    pairs = read_pairs(parsed.records)
    rows = measure(pairs)
    nothing = [str(pair) for pair in pairs if not pair.trains()]
    print(summary_table(rows))
    for budget in BUDGETS:
        print(f"\nfind, budget {budget:g}, usual range\n{pair_table(rows, budget)}")
    print(f"\nLeft out because nothing trains: {', '.join(nothing) or 'none'}.")
    if parsed.write:
        _RESULTS.mkdir(exist_ok=True)
        (_RESULTS / "records.md").write_text(page(pairs, rows, BUDGETS))
        (_RESULTS / "records.csv").write_text(table_of(rows))


if __name__ == "__main__":
    main()
