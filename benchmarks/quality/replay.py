"""Play the search on recorded runs instead of training: seconds, where real searches take an hour.

    python -m benchmarks.quality.replay                  # development tasks
    python -m benchmarks.quality.replay --budget 0.25

A trial of some length and rate is read from the recorded shortened runs, interpolated in the logarithms of
both; trials on a part of the training data were not recorded, so the search does without them. It is for
trying ideas: what counts is `python -m benchmarks.quality`, which trains.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.quality.cases import Case, cases
from benchmarks.quality.regret import clipped
from benchmarks.quality.runs import Run
from benchmarks.quality.scores import Book
from benchmarks.quality.tasks import ENTRIES
from benchmarks.quality.training import epoch, length, start
from rightrate.optimizers.catalogue import named
from rightrate.search.probe import Probe, plan
from rightrate.search.range_test import RangeTest
from rightrate.search.recommend import Context, recommend
from rightrate.search.record import Answer
from rightrate.search.space import Action, Observation, Space

__all__ = ["Recorded", "replay"]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The recorded runs of a case as a function of length, rate and seed.

    Args:
        lengths: Recorded lengths, ascending, (L,).
        lrs: Rates recorded at each length.
        losses: Final losses at each length, no worse than untrained or at the start, (rates,) for each seed.
        seen: Final losses on training batches that had been seen, likewise; NaN where not recorded.
    """

    lengths: tuple[int, ...]
    lrs: tuple[tuple[float, ...], ...]
    losses: tuple[dict[int, np.ndarray], ...]
    seen: tuple[dict[int, np.ndarray], ...]

    @classmethod
    def of(cls, book: Book, case: Case) -> "Recorded":
        """Return the recorded runs of a case."""
        table: dict[int, dict[int, dict[float, Run]]] = defaultdict(lambda: defaultdict(dict))
        level = max(book.truths[case].untrained, start(case))
        for run in book.of(case):
            if run.kind == "grid":
                table[run.steps][run.seed][run.lr] = run
        lengths = tuple(sorted(table))
        lrs = tuple(tuple(sorted(table[steps][0])) for steps in lengths)

        def columns(of: Callable[[Run], float]) -> tuple[dict[int, np.ndarray], ...]:
            return tuple(
                {
                    seed: np.array([of(runs[lr]) for lr in own])
                    for seed, runs in table[steps].items()
                    if set(own) <= set(runs)
                }
                for steps, own in zip(lengths, lrs, strict=True)
            )

        return cls(
            lengths=lengths,
            lrs=lrs,
            losses=columns(lambda run: clipped(run.losses[-1], level)),
            seen=columns(lambda run: math.nan if run.seen is None else run.seen),
        )

    def at(self, steps: int, lr: float, seed: int) -> tuple[float, float]:
        """Return the losses of a trial on validation data and on training batches it would have seen.

        Seeds that were not recorded stand for ones that were.
        """
        place = float(np.interp(np.log(steps), np.log(self.lengths), np.arange(len(self.lengths))))
        lower, share = int(place), place - int(place)
        values = np.array(self._at(lower, lr, seed))
        if share:
            values = (1 - share) * values + share * np.array(self._at(lower + 1, lr, seed))
        return float(values[0]), float(values[1])

    def _at(self, index: int, lr: float, seed: int) -> tuple[float, float]:
        seeds = sorted(self.losses[index])
        own = seeds[seed % len(seeds)]
        place = np.log(lr), np.log(self.lrs[index])
        losses, seen = self.losses[index][own], self.seen[index][own]
        return float(np.interp(*place, losses)), float(np.interp(*place, seen))


def replay(
    case: Case, recorded: Recorded, untrained: float, seed: int, budget: float
) -> tuple[Answer, float]:
    """Return the answer of a search, and its cost in run equivalents."""
    steps = length(case)
    info = named(case.optimizer)
    low, high = info.search_range
    space = Space(
        low=low,
        high=high,
        steps=steps,
        budget=budget,
        seed=seed,
        decays=case.schedule != "constant",
        untrained=untrained,
        start=start(case),
        own_decay=info.own_decay,
        epoch=epoch(case.task),
    )
    tested = sum(action.cost for action in RangeTest().decide(RangeTest().start(space), ())[0])
    rest = replace(space, budget=budget - tested / steps)
    state, seen, spent = Probe().start(rest), [], tested
    observations: list[Observation] = []
    while True:
        actions, state = Probe().decide(state, seen)
        if not actions:
            break
        seen = [item for action in actions for item in _observed(recorded, action, untrained)]
        spent += sum(action.cost for action in actions)
        observations += seen
    context = Context(
        plan=plan(rest),
        schedule=case.schedule,
        warmup_steps=0,
        tolerance=0.02,
        sign=1,
        name="loss",
        interrupted=False,
    )
    return recommend(space, observations, context)[0], spent / steps


def _observed(recorded: Recorded, action: Action, untrained: float) -> list[Observation]:
    found = []
    for lr in action.lrs:
        value, seen = recorded.at(action.steps, lr, action.seed)
        found.append(
            Observation(lr=lr, steps=action.steps, seed=action.seed, rung=action.rung, value=value, seen=seen)
        )
    return found


def main() -> None:
    """Print the regret of replayed searches."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="*", default=[])
    parser.add_argument("--optimizers", nargs="*", default=[])
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    development = [name for name, entry in ENTRIES.items() if entry.half == "development"]
    only = arguments.optimizers
    book = Book(case for case in cases(arguments.tasks or development) if not only or case.optimizer in only)
    regrets = []
    for case, truth in book.truths.items():
        recorded = Recorded.of(book, case)
        own = []
        for seed in range(arguments.seeds):
            answer, cost = replay(case, recorded, truth.untrained, seed, arguments.budget)
            lr = answer.lr or named(case.optimizer).default_lr
            own.append(truth.regret_of(float(np.interp(np.log(lr), np.log(truth.lr), truth.mean))))
            best = truth.lr[int(truth.mean.argmin())]
            found = f"{lr:9.3g} best {best:9.3g} regret {own[-1]:.4f}"
            print(f"{case!s:32} {seed} {found} {cost:.2f} {answer.status}")
        regrets += own
    print(f"mean {np.mean(regrets):.4f} median {np.median(regrets):.4f} worst {max(regrets):.4f}")


if __name__ == "__main__":
    main()
