"""What rightrate must reach, checked on what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.scores import Book, Scored, summary
from benchmarks.quality.table import grouped

__all__ = ["Bar", "bar_rows", "bars"]

_ASKED = 0.02
_ONE, _QUARTER, _SPREADS = "rightrate 1x", "rightrate 0.25x", "grid, one seed a rate"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One claim: what, the number reached, the number wanted, and whether it holds."""

    claim: str
    reached: str
    holds: bool


def bars(scored: Sequence[Scored], book: Book) -> list[Bar]:
    """Return every bar that can be judged from the answers at hand."""
    kept = [item for item in scored if book.truths[item.answer.case].trains()]
    tools = grouped(kept)
    found: list[Bar] = []
    if ours := tools.get(_ONE):
        found += _at_one(ours, tools, book)
        ours_mean = float(np.mean([item.regret for item in ours]))
        for tool in ("Optuna TPE 4x", "Optuna TPE+Hyperband 4x", "Ray ASHA 4x"):
            if other := tools.get(tool):
                mean = float(np.mean([item.regret for item in other]))
                found.append(
                    _bar(
                        f"{tool} is above ours at 1x", f"{mean:.4f} against {ours_mean:.4f}", mean > ours_mean
                    )
                )
    if ours := tools.get(_QUARTER):
        row = summary(_QUARTER, ours, book.truths)
        found.append(_bar("at 0.25: mean regret <= 0.03", f"{row.mean:.4f}", row.mean <= 0.03))
        found.append(_bar("at 0.25: no failures", str(row.failures), row.failures == 0))
    return found


def bar_rows(judged: Sequence[Bar]) -> str:
    """Return the bars as a Markdown table."""
    lines = ["| bar | reached | |", "| --- | --- | --- |"]
    lines += [f"| {bar.claim} | {bar.reached} | {'holds' if bar.holds else 'MISSED'} |" for bar in judged]
    return "\n".join(lines)


def _at_one(ours: Sequence[Scored], tools: dict[str, list[Scored]], book: Book) -> list[Bar]:
    row = summary(_ONE, ours, book.truths)
    most = max(item.equivalents for item in ours)
    found = [
        _bar("mean regret <= 0.008", f"{row.mean:.4f}", row.mean <= 0.008),
        _bar("worst regret <= 0.04", f"{row.worst:.4f}", row.worst <= 0.04),
        _bar("no failures", str(row.failures), row.failures == 0),
        _bar("at most 1.0 run equivalents", f"{most:.3f}", most <= 1.0),
        _bar("spread over seeds <= 2.5", f"{row.spread:.2f}", row.spread <= 2.5),
    ]
    if default := {item.answer.case: item.regret for item in tools.get("default", ())}:
        excess = max(item.regret - default[item.answer.case] for item in ours if item.answer.case in default)
        found.append(_bar("never worse than the default rate by over 0.01", f"{excess:.4f}", excess <= 0.01))
    if grid := tools.get(_SPREADS):
        other = summary(_SPREADS, grid, book.truths).spread
        found.append(
            _bar(
                "spread no more than a full grid's",
                f"{row.spread:.2f} against {other:.2f}",
                row.spread <= other,
            )
        )
    ranged = [item for item in ours if item.ends is not None]
    covers = float(np.mean([bool(item.covers) for item in ranged]))
    stated = [item.answer.tolerance or _ASKED for item in ranged]
    kept, asked = (
        float(
            np.mean(
                [
                    regret <= most
                    for item, most in zip(ranged, allowed, strict=True)
                    for regret in item.ends or ()
                ]
            )
        )
        for allowed in (stated, [_ASKED] * len(ranged))
    )
    found.append(_bar("good range holds a rate within 0.01 in 95 %", f"{covers:.1%}", covers >= 0.95))
    found.append(
        _bar(
            "ends of the good range within the stated tolerance in 90 %",
            f"{kept:.1%} (stated: median {np.median(stated):.3f}; within {_ASKED}: {asked:.1%})",
            kept >= 0.9,
        )
    )
    return found


def _bar(claim: str, reached: str, holds: bool) -> Bar:
    return Bar(claim=claim, reached=reached, holds=holds)
