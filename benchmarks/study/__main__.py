"""Run the study: `python -m benchmarks.study`; what is finished is not trained again."""

import json
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.study.page import index, page
from benchmarks.study.parts import PARTS
from benchmarks.study.pictures import draw
from benchmarks.study.results import summary
from rightrate.comparison import Comparison

_OUT, _DOCS = Path("out"), Path("docs")
_RESULTS = Path("benchmarks/results/study.json")


def main() -> None:
    """Train what is missing, and write the results, the pictures, the page and the reports."""
    _OUT.mkdir(exist_ok=True)
    compared: dict[str, Comparison] = {}
    for part in PARTS:
        began = perf_counter()
        compared[part.name] = part.compare(_OUT / "study.db")
        sys.stderr.write(f"{part.title}: {perf_counter() - began:.0f} s\n{compared[part.name]}\n\n")
        if compared[part.name].status == "interrupted":
            sys.exit(130)
    results = {part.name: summary(part, compared[part.name]) for part in PARTS}
    _RESULTS.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    draw(compared, _DOCS)
    (_DOCS / "study.md").write_text(page(results), encoding="utf-8")
    for name, result in compared.items():
        result.save_report(_OUT / f"study-{name}.html")
    (_OUT / "study.html").write_text(index(results), encoding="utf-8")
    sys.stderr.write(f"The report is {_OUT / 'study.html'}.\n")


if __name__ == "__main__":
    main()
