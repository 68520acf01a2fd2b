"""Play the search on recorded runs instead of training: seconds, where real searches take an hour.

    python -m benchmarks.quality.replay                  # development tasks
    python -m benchmarks.quality.replay --budget 0.25

A trial of some length and rate is read from the recorded shortened runs, interpolated in the logarithms of
both. It is for trying ideas: what counts is `python -m benchmarks.quality`, which trains.
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.quality.cases import Case, cases
from benchmarks.quality.regret import clipped
from benchmarks.quality.scores import Book
from benchmarks.quality.tasks import ENTRIES
from benchmarks.quality.training import length
from rightrate.optimizers.catalogue import named
from rightrate.search.probe import Probe, plan
from rightrate.search.recommend import Context, recommend
from rightrate.search.record import Answer
from rightrate.search.space import Action, Observation, Space

__all__ = ["Recorded", "replay"]

_RANGE_TEST = 20


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The recorded runs of a case as a function of length, rate and seed.

    Args:
        lengths: Recorded lengths, ascending, (L,).
        lrs: Rates recorded at each length.
        losses: Final losses at each length, no worse than untrained, (rates,) for each seed.
    """

    lengths: tuple[int, ...]
    lrs: tuple[tuple[float, ...], ...]
    losses: tuple[dict[int, np.ndarray], ...]

    @classmethod
    def of(cls, book: Book, case: Case) -> "Recorded":
        """Return the recorded runs of a case."""
        table: dict[int, dict[int, dict[float, float]]] = defaultdict(lambda: defaultdict(dict))
        level = book.truths[case].untrained
        for run in book.of(case):
            if run.kind == "grid":
                table[run.steps][run.seed][run.lr] = clipped(run.losses[-1], level)
        lengths = tuple(sorted(table))
        lrs = tuple(tuple(sorted(table[steps][0])) for steps in lengths)
        losses = tuple(
            {
                seed: np.array([rates[lr] for lr in own])
                for seed, rates in table[steps].items()
                if set(own) <= set(rates)
            }
            for steps, own in zip(lengths, lrs, strict=True)
        )
        return cls(lengths=lengths, lrs=lrs, losses=losses)

    def loss(self, steps: int, lr: float, seed: int) -> float:
        """Return what a trial would have reached; seeds that were not recorded stand for ones that were."""
        place = float(np.interp(np.log(steps), np.log(self.lengths), np.arange(len(self.lengths))))
        lower, share = int(place), place - int(place)
        values = [self._at(index, lr, seed) for index in {lower, min(lower + 1, len(self.lengths) - 1)}]
        return float(np.average(values, weights=[1 - share, share][: len(values)])) if share else values[0]

    def _at(self, index: int, lr: float, seed: int) -> float:
        seeds = sorted(self.losses[index])
        losses = self.losses[index][seeds[seed % len(seeds)]]
        return float(np.interp(np.log(lr), np.log(self.lrs[index]), losses))


def replay(
    case: Case, recorded: Recorded, untrained: float, seed: int, budget: float
) -> tuple[Answer, float]:
    """Return the answer of a search, and its cost in run equivalents."""
    steps = length(case)
    low, high = named(case.optimizer).search_range
    decays = case.schedule != "constant"
    space = Space(
        low=low, high=high, steps=steps, budget=budget, seed=seed, decays=decays, untrained=untrained
    )
    tested = min(100, int(space.allowance / _RANGE_TEST))
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
    return [
        Observation(
            lr=lr,
            steps=action.steps,
            seed=action.seed,
            rung=action.rung,
            value=recorded.loss(action.steps, lr, action.seed),
        )
        for lr in action.lrs
    ]


def main() -> None:
    """Print the regret of replayed searches."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="*", default=[])
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    development = [name for name, entry in ENTRIES.items() if entry.half == "development"]
    book = Book(cases(arguments.tasks or development))
    regrets = []
    for case, truth in book.truths.items():
        recorded = Recorded.of(book, case)
        own = []
        for seed in range(arguments.seeds):
            answer, cost = replay(case, recorded, truth.untrained, seed, arguments.budget)
            lr = answer.lr or named(case.optimizer).default_lr
            own.append(truth.regret_of(float(np.interp(np.log(lr), np.log(truth.lr), truth.mean))))
            best = truth.lr[int(truth.mean.argmin())]
            print(
                f"{case!s:32} {seed} {lr:9.3g} best {best:9.3g} regret {own[-1]:.4f} {cost:.2f} {answer.status}"
            )
        regrets += own
    print(f"mean {np.mean(regrets):.4f} median {np.median(regrets):.4f} worst {max(regrets):.4f}")


if __name__ == "__main__":
    main()
