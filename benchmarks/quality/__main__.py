"""How far is the recommended rate from the best one? `find` beside the tools that recommend a learning rate.

    python -m benchmarks.quality                   # everything; hours, and goes on where it was interrupted
    python -m benchmarks.quality --quick           # a part, in about ten minutes
    python -m benchmarks.quality --report          # only the tables and the figure of the answers there are
    python -m benchmarks.quality --tasks surveys --tools rightrate

Every answer is measured against a grid of full-length runs (`python -m benchmarks.quality.truth`, recorded in
`recorded/`). Regret is (reached - best) / (untrained - best) of the validation loss: 0 is the best rate, 1 is
having learned nothing. Writes `quality.md`, `quality.png` and `quality-answers.csv` to `benchmarks/results`;
exit code 1 if a bar is missed.
"""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.quality.answers import read_answers
from benchmarks.quality.asking import ask
from benchmarks.quality.bars import bars
from benchmarks.quality.cases import cases
from benchmarks.quality.docs import write_docs
from benchmarks.quality.figure import draw
from benchmarks.quality.pages import page
from benchmarks.quality.scores import Book, score
from benchmarks.quality.table import noise_floor, tool_rows, without_wide
from benchmarks.quality.tools import named_tools

_RESULTS = Path(__file__).parents[1] / "results"
_QUICK_TASKS = ("surveys", "caravan", "leaf-full", "diamonds-nll")
_QUICK_SEEDS = (0,)
_ANSWERS = "quality-answers.csv"


def main() -> int:
    """Ask what has not been asked, print the table and say whether the bars hold."""
    arguments = _arguments()
    torch.set_num_threads(1)
    folder = Path(arguments.out)
    answers_path = folder / _ANSWERS
    wanted = cases(arguments.tasks or (_QUICK_TASKS if arguments.quick else ()), builtin=arguments.builtin)
    book = Book(wanted)
    for case in book.missing:
        print(f"left out, its runs are not all recorded: {case}", file=sys.stderr)
    if not arguments.report:
        seeds = _QUICK_SEEDS if arguments.quick else None
        ask(answers_path, tuple(book.truths), named_tools(arguments.tools), seeds, arguments.workers)
    answers = [answer for answer in read_answers(answers_path) if answer.case in book.truths]
    scored = [score(book, answer) for answer in answers]
    text = page(scored, book)
    (folder / "quality.md").write_text(text)
    draw(tool_rows(without_wide(scored), book), noise_floor(book), folder / "quality.png")
    if folder == _RESULTS and not arguments.tasks:
        write_docs(scored, book)
    print(text)
    return 0 if all(bar.holds for bar in bars(scored, book)) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="*", default=[], help="only these tasks")
    parser.add_argument("--tools", nargs="*", default=[], help="only those whose name starts like this")
    parser.add_argument("--builtin", action="store_true", help="the tasks that ship with rightrate, too")
    parser.add_argument("--quick", action="store_true", help="four tasks, one seed")
    parser.add_argument("--report", action="store_true", help="ask nothing, only write the tables")
    parser.add_argument("--workers", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--out", default=None, help="folder of the results")
    arguments = parser.parse_args()
    if arguments.out is None:
        arguments.out = "out/quality-quick" if arguments.quick else str(_RESULTS)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
