"""Compare plain population-based training, slow members, a tuned rate and a tuned schedule.

    python -m benchmarks.tune                      # both tasks, five seeds; about ten minutes on one core
    python -m benchmarks.tune --cases quadratic --seeds 0 1

Writes `tune.md`, `tune.json` and `tune.png` into `benchmarks/results/`, or the folder of `--out`.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.tune.cases import CASES
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
                print(
                    f"{case.name}, seed {seed}, {contestant.name}: {outcome.loss:.4g}, ", end="", flush=True
                )
                print(f"from scratch {outcome.fresh:.4g}, {outcome.runs:.1f} runs", flush=True)
    text = table(cases, CONTESTANTS, outcomes)
    wanted.out.mkdir(parents=True, exist_ok=True)
    (wanted.out / "tune.md").write_text(text, encoding="utf-8")
    rows = json.dumps([asdict(outcome) for outcome in outcomes], indent=1)
    (wanted.out / "tune.json").write_text(f"{rows}\n", encoding="utf-8")
    draw(wanted.out / "tune.png", cases, CONTESTANTS, outcomes, found)
    print(text)


if __name__ == "__main__":
    main()
