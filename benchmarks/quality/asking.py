"""Asks every tool about every case, in several processes, and goes on where it was interrupted."""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from benchmarks.quality.answers import Answer, append, read_answers
from benchmarks.quality.cases import Case
from benchmarks.quality.tools import named_tools
from benchmarks.quality.tools.tool import Tool

__all__ = ["ask"]


def ask(
    path: Path, wanted: Sequence[Case], tools: Mapping[str, Tool], seeds: Sequence[int] | None, workers: int
) -> None:
    """Ask every tool about every case with every seed, except where the answer is there.

    Args:
        path: The file of answers; each is on disk before the next is asked for.
        wanted: The cases.
        tools: By name.
        seeds: Use these of each tool's seeds only; all if None.
        workers: Processes, each with one thread.
    """
    known = {(answer.tool, answer.case, answer.seed) for answer in read_answers(path)}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = {
            pool.submit(_answers, name, case, seed): f"{name}: {case} seed {seed}"
            for case in wanted
            for name, tool in tools.items()
            for seed in tool.seeds
            if (seeds is None or seed in seeds) and any((row, case, seed) not in known for row in tool.rows)
        }
        for count, job in enumerate(as_completed(jobs), start=1):
            append(path, job.result())
            print(f"{count}/{len(jobs)} {jobs[job]}", file=sys.stderr, flush=True)


def _answers(tool: str, case: Case, seed: int) -> list[Answer]:
    return list(named_tools([tool])[tool].answers(case, seed))
