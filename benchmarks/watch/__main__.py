"""What the watcher says of recorded training runs, beside what became of them.

python -m benchmarks.watch --records FOLDER --write

FOLDER holds `deepobs_lr_grid.csv`, `deepobs_epoch_curves.csv.gz` and `deepobs_minibatch.npz`: 675 runs of the
public repository fsschneider/DeepOBS_Baselines (MIT), five problems, three optimizers, 36 constant rates with
one seed and ten seeds at the best rate.
"""

import argparse
import csv
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.watch.records import CHANCE_LOSS, TUNED_ON, Recorded, findings_of, read_runs
from rightrate.watch.detectors import DETECTORS
from rightrate.watch.finding import Finding

RESULTS = Path(__file__).parents[1] / "results"
LABELS = ("bad", "healthy", "too low", "too high", "-")
ALARMS = ("non_finite", "diverging", "collapsed")
"""What is said of a run that is lost; on a healthy run it is a false alarm."""
MEANT = {
    "non_finite": "bad",
    "diverging": "bad",
    "collapsed": "bad",
    "too_low": "too low",
    "too_high": "too high",
}
QUARTER = 0.25


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A run and what was found in it; the first finding of each verdict counts."""

    run: Recorded
    label: str
    first: dict[str, Finding] = field(default_factory=dict)

    def at(self, verdict: str) -> float | None:
        """Return which share of the run was over when a verdict was first said, or None."""
        return self.first[verdict].step / self.run.steps if verdict in self.first else None

    def side(self) -> str:
        """Return on which side of the best rate it is."""
        return "too low" if self.run.lr < self.run.best_lr else "too high"

    def alarmed(self) -> float | None:
        """Return which share of the run was over when it was said to be lost, or None."""
        return min((share for name in ALARMS if (share := self.at(name)) is not None), default=None)


def judged(run: Recorded, told: bool) -> Judged:
    """Show a run to all detectors."""
    first: dict[str, Finding] = {}
    for finding in findings_of(run, dict(DETECTORS), told=told):
        first.setdefault(finding.verdict, finding)
    return Judged(run=run, label=run.label, first=first)


def share(part: int, whole: int) -> str:
    """Return a percentage with its counts."""
    return f"{part / whole:.1%} ({part} of {whole})" if whole else "none"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(map(str, row)) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def of(runs: Sequence[Judged], label: str) -> list[Judged]:
    """Return the runs with a label."""
    return [one for one in runs if one.label == label]


def balanced(runs: Sequence[Judged]) -> tuple[int, int, int, int]:
    """Return how many runs were said to be too low by a quarter: of those that are, and of healthy ones."""
    low, healthy = of(runs, "too low"), of(runs, "healthy")
    by_quarter = [sum((one.at("too_low") or 9.0) <= QUARTER for one in group) for group in (low, healthy)]
    return by_quarter[0], len(low), by_quarter[1], len(healthy)


def bars(runs: Sequence[Judged], without: Sequence[Judged]) -> str:
    """Return the main table: all runs, those at which the numbers were chosen, the others, and untold."""
    groups = {
        "all": runs,
        "chosen at": [one for one in runs if one.run.pair.problem in TUNED_ON],
        "not looked at for it": [one for one in runs if one.run.pair.problem not in TUNED_ON],
        "all, `chance_loss` not told": without,
    }
    rows = []
    for name, group in groups.items():
        bad, healthy = of(group, "bad"), of(group, "healthy")
        found = [one.alarmed() for one in bad]
        alarms = sum(one.alarmed() is not None for one in healthy)
        low, lows, wrong, healthies = balanced(group)
        right = (low / lows + 1.0 - wrong / healthies) / 2.0 if lows and healthies else float("nan")
        rows.append(
            (
                name,
                share(sum(at is not None for at in found), len(bad)),
                share(sum(at is not None and at <= 0.5 for at in found), len(bad)),
                share(alarms, len(healthy)),
                f"{right:.1%} ({low} of {lows} too low, {wrong} of {healthies} healthy)",
            )
        )
    head = (
        "runs",
        "bad found (>= 98 %)",
        "before half (>= 90 %)",
        "false alarms (<= 5 %)",
        "too low told (>= 85 %)",
    )
    return table(head, rows)


def verdicts(runs: Sequence[Judged]) -> str:
    """Return how often each verdict was said of each class; recall and precision where it means one."""
    steps = sum(one.run.steps for one in of(runs, "healthy"))
    rows = []
    for verdict in sorted({name for one in runs for name in one.first}):
        said = {label: sum(verdict in one.first for one in of(runs, label)) for label in LABELS}
        meant = MEANT.get(verdict)
        labelled = [one for one in runs if one.label != "-" and verdict in one.first]
        right = sum(one.label == meant or (one.label == "bad" and one.side() == meant) for one in labelled)
        rows.append(
            (
                verdict,
                *said.values(),
                f"{said[meant] / len(of(runs, meant)):.0%}" if meant else "",
                f"{right / len(labelled):.0%}" if meant and labelled else "",
                f"{1000.0 * said['healthy'] / steps:.4f}",
            )
        )
    return table(("verdict", *LABELS, "recall", "precision", "per 1,000 healthy steps"), rows)


def delays(runs: Sequence[Judged]) -> str:
    """Return how long after the fact lost runs were said to be lost."""
    rows = []
    for problem in sorted({one.run.pair.problem for one in runs}):
        bad = [
            one for one in of(runs, "bad") if one.run.pair.problem == problem and one.alarmed() is not None
        ]
        late = sorted(round(one.alarmed() * one.run.steps) - one.run.lost_since() for one in bad)  # type: ignore[operator]
        at = sorted(one.alarmed() for one in bad)  # type: ignore[type-var]
        rows.append(
            (
                problem,
                f"{bad[0].run.steps:,}",
                len(bad),
                f"{median(late):,.0f}",
                f"{late[int(0.9 * (len(late) - 1))]:,}",
                sum(steps < 0 for steps in late),
                f"{median(at):.1%}",
            )
        )
    head = (
        "problem",
        "steps",
        "lost and found",
        "steps after, median",
        "90 % within",
        "before the fact",
        "found at",
    )
    return table(head, rows)


def classes(runs: Sequence[Judged]) -> str:
    """Return how many runs of each class each problem has, and what was missed."""
    rows = []
    for problem in sorted({one.run.pair.problem for one in runs}):
        own = [one for one in runs if one.run.pair.problem == problem]
        missed = sum(one.alarmed() is None for one in of(own, "bad"))
        alarms = sum(one.alarmed() is not None for one in of(own, "healthy"))
        told = f"{CHANCE_LOSS[problem]:.3f}" if problem in CHANCE_LOSS else "not known"
        rows.append((problem, told, *(len(of(own, label)) for label in LABELS), missed, alarms))
    return table(("problem", "`chance_loss`", *LABELS, "bad missed", "healthy alarmed"), rows)


def page(runs: Sequence[Judged], without: Sequence[Judged]) -> str:
    """Return the whole result."""
    missed = [one for one in of(runs, "bad") if one.alarmed() is None]
    names = (f"{one.run.pair} lr {one.run.lr:g} (regret {one.run.regret:.2f})" for one in missed)
    slow = [one for one in of(runs, "bad") if one.side() == "too low"]
    said = sum("too_low" in one.first for one in missed)
    return f"""# What the watcher says of recorded runs

`python -m benchmarks.watch --records FOLDER --write`; the runs are those of fsschneider/DeepOBS_Baselines
(MIT). Each is shown to the detectors loss by loss for its first 2,000 steps, then as means of 400 equal
parts; its test losses follow after every epoch (of one seed). What became of a run is the regret of its final
test loss: *bad* above 0.9, not finite, or where nothing trains; *healthy* up to 0.05; *too low* and
*too high* above 0.2 on either side of the best rate; the rest is not scored. The detectors' numbers were
chosen at {", ".join(TUNED_ON)}.

{bars(runs, without)}

*False alarms* are healthy runs of which it was said that they were not finite, diverging or collapsed. *Too
low told* is the mean of two shares by a quarter of the run: too low runs of which it was said, healthy ones
of which it was not.

## Classes

{classes(runs)}

Bad and not found: {"; ".join(names) or "none"}.
Of {said} of them it was said that the rate is too low. {len(slow)} of the bad runs lie below the best rate:
they have not learned anything yet.

## Verdicts

How many runs of each class a verdict was said of at least once. A run may have several. Recall is the share
of the class that a verdict means; precision counts *too low* and *too high* as right for bad runs on that
side of the best rate too.

{verdicts(runs)}

## When

From the step at which the recorded loss came to stay where the regret is above 0.9.

{delays(runs)}
"""


def write_rows(path: Path, runs: Sequence[Judged]) -> None:
    """Write a row a run: what became of it, and at which step each verdict was first said."""
    names = sorted({name for one in runs for name in one.first})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("problem", "optimizer", "lr", "seed", "steps", "label", "regret", *names))
        for one in runs:
            run = one.run
            steps = (one.first[name].step if name in one.first else "" for name in names)
            head = (run.pair.problem, run.pair.optimizer, f"{run.lr:g}", run.seed, run.steps, one.label)
            writer.writerow((*head, f"{run.regret:.4f}", *steps))


def main() -> None:
    """Judge all runs, and print the result or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=Path, required=True, help="folder of the recorded runs")
    parser.add_argument("--write", action="store_true", help="write results/watch-detectors.md and .csv")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args()
    runs = read_runs(asked.records)
    with ProcessPoolExecutor(asked.jobs) as pool:
        told = list(pool.map(partial(judged, told=True), runs, chunksize=8))
        without = list(pool.map(partial(judged, told=False), runs, chunksize=8))
    text = page(told, without)
    print(text)
    if asked.write:
        (RESULTS / "watch-detectors.md").write_text(text, encoding="utf-8")
        write_rows(RESULTS / "watch-detectors.csv", told)


if __name__ == "__main__":
    main()
