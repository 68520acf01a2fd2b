"""Run the study: `python -m benchmarks.study`; what is finished is not trained again."""

import sys
from pathlib import Path
from time import perf_counter

from benchmarks.study.parts import PARTS

_STORE = Path("out/study.db")


def main() -> None:
    """Train what is missing, and write the results, the pictures and the pages."""
    _STORE.parent.mkdir(exist_ok=True)
    for part in PARTS:
        began = perf_counter()
        result = part.compare(_STORE)
        print(f"{part.title}: {perf_counter() - began:.0f} s\n{result}\n", file=sys.stderr, flush=True)
        if result.status == "interrupted":
            sys.exit(130)


if __name__ == "__main__":
    main()
