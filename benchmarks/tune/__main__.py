"""Compare plain population-based training, slow members, a tuned rate and a tuned schedule.

    python -m benchmarks.tune                      # both tasks, five seeds; half an hour on one core
    python -m benchmarks.tune --cases quadratic --seeds 0 1

Writes `tune.md`, `tune.json` and `tune.png` into `benchmarks/results/`, or the folder of `--out`; after
each seed what there is so far.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.tune.cases import CASES, Case
from benchmarks.tune.contest import CONTESTANTS, Outcome, compete
from benchmarks.tune.page import draw, table
from rightrate.schedules import Schedule

_RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    """Run what is asked for and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [case.name for case in CASES]
    parser.add_argument("--cases", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", type=Path, default=_RESULTS)
    wanted = parser.parse_args()
    cases = [case for case in CASES if case.name in wanted.cases]
    outcomes: list[Outcome] = []
    found: dict[tuple[str, str], Schedule] = {}
    for case in cases:
        for seed in wanted.seeds:
            for contestant in CONTESTANTS:
                outcome, schedule = compete(case, contestant, seed)
                outcomes.append(outcome)
                found.setdefault((case.name, contestant.name), schedule)
                reached = f"{outcome.loss:.4g}, from scratch {outcome.fresh:.4g}, {outcome.runs:.1f} runs"
                print(f"{case.name}, seed {seed}, {contestant.name}: {reached}", flush=True)
            write(wanted.out, cases, outcomes, found)
    print(table(cases, CONTESTANTS, outcomes))


def write(
    folder: Path,
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    found: Mapping[tuple[str, str], Schedule],
) -> None:
    """Write what there is so far."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tune.md").write_text(table(cases, CONTESTANTS, outcomes), encoding="utf-8")
    rows = json.dumps([asdict(outcome) for outcome in outcomes], indent=1)
    (folder / "tune.json").write_text(f"{rows}\n", encoding="utf-8")
    begun = [case for case in cases if (case.name, CONTESTANTS[0].name) in found]
    draw(folder / "tune.png", begun, CONTESTANTS, outcomes, found)


if __name__ == "__main__":
    main()
