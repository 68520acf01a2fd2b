"""Train the grid of full-length runs that the quality benchmark measures against.

    python -m benchmarks.quality.truth                       # what is missing, of all tasks
    python -m benchmarks.quality.truth --tasks gpt surveys --workers 2

Every rate is trained in full by the serial engine: plain models, each with its real torch optimizer. First
every second rate of the grid everywhere, three seeds; then shortened runs of seed 0 (of three seeds for the
optimizers and tasks of development), so that strategies can be replayed in seconds; then all five a decade
where the regret is below 0.3; at last more seeds of the good rates of a case whose noise floor is above a
quarter of the bar.
What is trained is kept in `recorded/`; started again, the command goes on where it was interrupted.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context

from benchmarks.quality.cases import Case, cases, grid
from benchmarks.quality.regret import Truth
from benchmarks.quality.runs import Run, read, write
from benchmarks.quality.training import length, train, untrained

__all__ = ["Job", "missing"]

SEEDS = (0, 1, 2)
FLOOR = 0.002
_MOST_SEEDS = 9
_DENSE_BELOW = 0.3
_SEEDS_BELOW = 0.1
_DEVELOPED_ON = ("momentum", "adamw")
_SHORTER = (64, 32, 16, 8, 4)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Runs that are trained one beside the other: one case, length and seed."""

    stage: int
    case: Case
    steps: int
    seed: int
    lrs: tuple[float, ...]


def missing(case: Case, runs: list[Run], full: int, level: float) -> list[Job]:
    """Return the jobs of the first stage of a case that is not complete, none if all are.

    Args:
        case: Which one.
        runs: What is recorded of it.
        full: The length of the real run.
        level: Validation loss of having learned nothing.
    """
    done = {(run.steps, run.seed, run.lr) for run in runs}
    for stage, wanted in enumerate(_stages(case, runs, full, level)):
        jobs = [
            Job(stage=stage, case=case, steps=steps, seed=seed, lrs=lrs)
            for steps, seed, rates in wanted
            if (lrs := tuple(lr for lr in rates if (steps, seed, lr) not in done))
        ]
        if jobs:
            return jobs
    return []


_Wanted = list[tuple[int, int, tuple[float, ...]]]


def _stages(case: Case, runs: list[Run], full: int, level: float) -> Iterator[_Wanted]:
    """Yield what each stage wants, (steps, seed, rates); it may depend on what the stages before recorded."""
    every = grid(case.optimizer)
    yield [(full, seed, every[::2]) for seed in SEEDS]
    several = case.half != "held out" and case.optimizer in _DEVELOPED_ON
    short_seeds = SEEDS if several else SEEDS[:1]
    yield [(max(8, full // part), seed, every) for seed in short_seeds for part in _SHORTER]
    truth = Truth.of(case, runs, level)
    good = {lr for lr in truth.lr if truth.regret_at(lr) < _DENSE_BELOW}
    dense = tuple(
        lr
        for place, lr in enumerate(every)
        if place % 2 == 0 or good & {every[place - 1], every[min(place + 1, len(every) - 1)]}
    )
    yield [(full, seed, dense) for seed in SEEDS]
    most = len(SEEDS) if case.half == "practice" else _MOST_SEEDS
    for seeds in range(len(SEEDS) + 1, most + 1):
        if truth.trains() and Truth.of(case, runs, level, seeds - 1).floor() > FLOOR:
            near = tuple(lr for lr in truth.lr if truth.regret_at(lr) < _SEEDS_BELOW)
            yield [(full, seeds - 1, near)]


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="*", default=[], help="only these tasks")
    parser.add_argument("--optimizers", nargs="*", default=[], help="only these optimizers")
    parser.add_argument("--workers", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--hours", type=float, default=float("inf"), help="start nothing new after that")
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.hours * 3600
    only = arguments.optimizers
    wanted = tuple(case for case in cases(arguments.tasks) if not only or case.optimizer in only)
    plan = _Plan(wanted)
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        running: dict[Future[list[Run]], Job] = {}
        while True:
            while time.monotonic() < end and len(running) < arguments.workers and (job := plan.next()):
                running[pool.submit(train, job.case, job.steps, job.seed, job.lrs)] = job
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                plan.done(job, future.result())
                seconds = sum(run.seconds for run in future.result())
                print(
                    f"stage {job.stage} {job.case} seed {job.seed}:"
                    f" {len(job.lrs)} runs of {job.steps} in {seconds:.0f} s",
                    flush=True,
                )


class _Plan:
    """What is to be trained, the earliest stages of all cases first.

    Args:
        wanted: The cases.
    """

    def __init__(self, wanted: tuple[Case, ...]) -> None:
        self._recorded = {task: read(task) for task in {case.task for case in wanted}}
        self._levels = {case: untrained(case) for case in wanted}
        self._started: set[Job] = set()
        self._open = {case: self._missing(case) for case in wanted}

    def next(self) -> Job | None:
        """Return a job that has not been started, or None if all that can be known of is under way."""
        jobs = [job for jobs in self._open.values() for job in jobs if job not in self._started]
        if not jobs:
            return None
        job = min(jobs, key=lambda job: job.stage)
        self._started.add(job)
        return job

    def done(self, job: Job, runs: list[Run]) -> None:
        """Keep what a job trained, on disk before anything else happens."""
        self._recorded[job.case.task] += runs
        write(job.case.task, self._recorded[job.case.task])
        self._open[job.case].remove(job)
        if not self._open[job.case]:
            self._open[job.case] = self._missing(job.case)

    def _missing(self, case: Case) -> list[Job]:
        runs = [run for run in self._recorded[case.task] if run.case == case]
        return missing(case, runs, length(case), self._levels[case])


if __name__ == "__main__":
    main()
