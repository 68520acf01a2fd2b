"""The table and the picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

import rightrate as rr
from benchmarks.tune.cases import Case
from benchmarks.tune.contest import Contestant, Outcome

__all__ = ["draw", "table"]

_COLOURS = ("#c2410c", "#00795a", "#667085", "#0b63a5")


def table(cases: Sequence[Case], contestants: Sequence[Contestant], outcomes: Sequence[Outcome]) -> str:
    """Return the results as Markdown."""
    lines = [
        "# Population-based training of the learning rate: does it decay too early?",
        "",
        "Ten members each. *loss*: validation loss of the winner. *from scratch*: that of its schedule,",
        "trained as an ordinary run with a seed that no choice was made on. All are medians over the seeds.",
    ]
    for case in cases:
        own = [outcome for outcome in outcomes if outcome.case == case.name]
        if not own:
            continue
        seeds = sorted({outcome.seed for outcome in own})
        listed = ", ".join(map(str, seeds))
        lines += [
            "",
            f"## {case.name}",
            "",
            f"{case.text} {case.steps:,} steps; seeds {listed}.",
            "",
            "| | loss | from scratch | each seed, from scratch | lr at 10 % | 50 % | 90 % | runs |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for contestant in contestants:
            rows = [outcome for outcome in own if outcome.contestant == contestant.name]
            each = ", ".join(f"{row.fresh:.3g}" for row in sorted(rows, key=lambda row: row.seed))
            rates = [median(row.rates[place] for row in rows) for place in range(3)]
            shown = " | ".join(f"{lr:.2g}" for lr in rates)
            loss, fresh = median(row.loss for row in rows), median(row.fresh for row in rows)
            runs = median(row.runs for row in rows)
            lines.append(f"| {contestant.name} | {loss:.3g} | {fresh:.3g} | {each} | {shown} | {runs:.1f} |")
    return "\n".join([*lines, "", "Made by `python -m benchmarks.tune`.", ""])


def draw(
    path: Path,
    cases: Sequence[Case],
    contestants: Sequence[Contestant],
    outcomes: Sequence[Outcome],
    found: Mapping[tuple[str, str], rr.schedules.Schedule],
) -> None:
    """Write a picture: the rates over time with the first seed, and the losses from scratch."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(10, 3.6 * len(cases)), dpi=110, layout="constrained")
    panels = made.subplots(len(cases), 2, squeeze=False, width_ratios=(3, 2))
    for (left, right), case in zip(panels, cases, strict=True):
        steps = np.arange(case.steps)
        for place, (contestant, colour) in enumerate(zip(contestants, _COLOURS, strict=True)):
            schedule = found[case.name, contestant.name]
            left.plot(steps, schedule(steps), color=colour, linewidth=1.8, label=contestant.name)
            rows = [o for o in outcomes if (o.case, o.contestant) == (case.name, contestant.name)]
            losses = [row.fresh for row in rows]
            right.plot([place] * len(losses), losses, "o", color=colour, alpha=0.6)
            right.plot([place - 0.3, place + 0.3], [median(losses)] * 2, color=colour, linewidth=2.5)
        left.set(yscale="log", xlabel="step", ylabel="learning rate", title=f"{case.name}: rates found")
        left.set_ylim(bottom=case.low / 3)
        left.legend(frameon=False, fontsize=8)
        right.set(yscale="log", ylabel="validation loss", title="from scratch, every seed and the median")
        names = [
            contestant.name.replace(", ", ",\n").replace("tuned ", "tuned\n") for contestant in contestants
        ]
        right.set_xticks(range(len(contestants)), names, fontsize=8)
        for axes in (left, right):
            axes.grid(color="#e8ebf0")
            axes.spines[["top", "right"]].set_visible(False)
    made.savefig(path)
