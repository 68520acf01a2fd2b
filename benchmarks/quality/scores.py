"""From answers to regrets: what each recommended rate reaches in full, and what that says of its tool."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case, grid
from benchmarks.quality.regret import Truth, clipped
from benchmarks.quality.runs import Run, read, write
from benchmarks.quality.training import length, train, untrained
from rightrate.optimizers.catalogue import named

__all__ = ["FAILURE", "Book", "Scored", "Summary", "summary"]

FAILURE = 0.5
_PICK_SEEDS = (0, 1, 2)
_TOLERANCE = 0.02
_CLOSE = 0.01


class Book:
    """The truth of every case, and the trained runs of rates that stand beside a cliff.

    Args:
        cases: Which ones.

    Attributes:
        truths: The truth of each case whose grid has been trained.
        missing: The others.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        cases = tuple(cases)
        self._runs = {task: read(task) for task in sorted({case.task for case in cases})}
        self.truths: dict[Case, Truth] = {}
        self.missing: list[Case] = []
        for case in cases:
            runs = self._runs[case.task]
            if complete(case, [run for run in runs if run.case == case]):
                self.truths[case] = Truth.of(case, runs, untrained(case))
            else:
                self.missing.append(case)
        if not self.truths:
            command = "python -m benchmarks.quality.truth"
            raise SystemExit(f"None of these cases has its recorded runs; make them with: {command}")

    def of(self, case: Case) -> list[Run]:
        """Return the recorded runs of a case."""
        return [run for run in self._runs[case.task] if run.case == case]

    def loss_at(self, case: Case, lr: float) -> float:
        """Return the loss a rate reaches at full length; beside a cliff it is trained, with three seeds."""
        truth = self.truths[case]
        known = truth.between(lr)
        if known is not None:
            return known
        rounded = float(f"{lr:.3g}")
        have = {run.seed: run for run in self.of(case) if run.lr == rounded and run.steps == length(case)}
        missing = [seed for seed in _PICK_SEEDS if seed not in have]
        for seed in missing:
            new = train(case, length(case), seed, [rounded], kind="picked")
            have[seed] = new[0]
            self._runs[case.task] += new
        if missing:
            write(case.task, self._runs[case.task])
        return float(np.mean([clipped(have[seed].losses[-1], truth.untrained) for seed in _PICK_SEEDS]))

    def regret_at(self, case: Case, lr: float) -> float:
        """Return the regret of a rate."""
        return self.truths[case].regret_of(self.loss_at(case, lr))


@dataclass(frozen=True, kw_only=True)
class Scored:
    """An answer and what it is worth.

    Args:
        answer: What the tool said.
        regret: In [0, 1].
        accuracy_regret: How far the accuracy is from the best, in [0, 1]; None where there is none.
        equivalents: Cost in run equivalents.
        ends: Regret at the ends of the good range it reported, or None.
        covers: Whether that range holds a rate with a regret of at most 0.01; None without a range.
    """

    answer: Answer
    regret: float
    accuracy_regret: float | None
    equivalents: float
    ends: tuple[float, float] | None = None
    covers: bool | None = None


def complete(case: Case, runs: Sequence[Run]) -> bool:
    """Say whether at least every second rate of the grid has been trained in full with three seeds."""
    have = {(run.seed, run.lr) for run in runs if run.steps == length(case) and run.kind == "grid"}
    return all((seed, lr) in have for seed in _PICK_SEEDS for lr in grid(case.optimizer)[::2])


def score(book: Book, answer: Answer) -> Scored:
    """Return the regret of an answer; without a rate or a loss, that of the framework's default rate."""
    case, truth = answer.case, book.truths[answer.case]
    lr = answer.lr if answer.lr is not None and answer.lr > 0 else named(case.optimizer).default_lr
    by_loss = answer.loss is not None
    loss = clipped(float(answer.loss or 0.0), truth.untrained) if by_loss else book.loss_at(case, lr)
    ends = covers = None
    if answer.low is not None and answer.high is not None:
        ends = (book.regret_at(case, answer.low), book.regret_at(case, answer.high))
        inside = [
            rate for rate in (*truth.lr, answer.low, answer.high, lr) if answer.low <= rate <= answer.high
        ]
        covers = any(book.regret_at(case, rate) <= _CLOSE for rate in inside)
    return Scored(
        answer=answer,
        regret=truth.regret_of(loss),
        accuracy_regret=None if by_loss else truth.accuracy_regret(lr),
        equivalents=answer.steps / length(case),
        ends=ends,
        covers=covers,
    )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One row of the table."""

    tool: str
    cases: int
    answers: int
    mean: float
    median: float
    worst: float
    failures: int
    within_1: float
    within_5: float
    points: float
    spread: float
    equivalents: float
    seconds: float
    unanswered: int


def summary(tool: str, scored: Sequence[Scored], truths: Mapping[Case, Truth]) -> Summary:
    """Return what the answers of one tool say of it.

    The spread is the factor between the largest and the smallest rate over the seeds of a case, the median
    over cases whose good range is narrower than a decade.
    """
    regrets = np.array([item.regret for item in scored])
    points = [100 * item.accuracy_regret for item in scored if item.accuracy_regret is not None]
    rates: dict[Case, list[float]] = defaultdict(list)
    for item in scored:
        if item.answer.lr is not None and item.answer.lr > 0:
            rates[item.answer.case].append(item.answer.lr)
    factors = [max(lrs) / min(lrs) for case, lrs in rates.items() if len(lrs) > 1 and narrow(truths[case])]
    return Summary(
        tool=tool,
        cases=len({item.answer.case for item in scored}),
        answers=len(scored),
        mean=float(regrets.mean()),
        median=float(np.median(regrets)),
        worst=float(regrets.max()),
        failures=int((regrets > FAILURE).sum()),
        within_1=float((regrets <= _CLOSE).mean()),
        within_5=float((regrets <= 0.05).mean()),
        points=float(np.mean(points)) if points else math.nan,
        spread=float(np.median(factors)) if factors else math.nan,
        equivalents=float(np.mean([item.equivalents for item in scored])),
        seconds=float(np.mean([item.answer.seconds for item in scored])),
        unanswered=sum(item.answer.lr is None and item.answer.loss is None for item in scored),
    )


def narrow(truth: Truth) -> bool:
    """Say whether the rates with a regret of at most 0.02 span less than a decade."""
    good = [lr for lr in truth.lr if truth.regret_at(lr) <= _TOLERANCE]
    return bool(good) and max(good) / min(good) < 10
