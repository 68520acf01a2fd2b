"""Rules that choose a rate from recorded runs, each within the same budget of training steps."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.quality.replays.pair import Pair
from rightrate.search.probe import Probe, plan
from rightrate.search.range_test import RangeTest
from rightrate.search.recommend import Context, recommend
from rightrate.search.space import Action, Observation, Space

__all__ = ["RULES", "Pick", "Rule", "Tape", "probed", "space_of"]

_TOLERANCE = 0.02
_THINNED = 3


@dataclass(frozen=True, kw_only=True)
class Pick:
    """What a rule chose.

    Args:
        lr: The rate, or None.
        spent: Training steps it took.
        status: How sure it says it is, or "".
    """

    lr: float | None
    spent: int
    status: str = ""


@dataclass
class Tape:
    """Plays recorded runs and counts the steps that are asked for.

    Args:
        pair: Whose runs.
        allowance: Steps that may be spent.
        spent: Steps counted so far.
    """

    pair: Pair
    allowance: int
    spent: int = field(default=0)

    def pay(self, steps: int) -> None:
        """Count steps; more than the allowance is a mistake of the rule."""
        self.spent += steps
        if self.spent > self.allowance:
            raise ValueError(f"{self.spent} steps were asked for, {self.allowance} may be spent")

    def train(self, place: int, steps: int, *, trained: int = 0) -> float:
        """Return the loss at a recorded rate after `steps`, of which `trained` were paid before."""
        self.pay(steps - trained)
        return self.pair.value(place, steps)


Rule = Callable[[Pair, Space], Pick]


def space_of(pair: Pair, budget: float, *, low: float, high: float) -> Space:
    """Return the question a strategy is asked."""
    return Space(
        low=low,
        high=high,
        steps=pair.steps,
        budget=budget,
        seed=0,
        decays=False,
        untrained=pair.told,
        epoch=pair.epoch_steps,
    )


def probed(pair: Pair, space: Space) -> tuple[list[Observation], Space, int]:
    """Drive the default strategy of `find` and return what it saw, its own space and the steps spent.

    As in `find` the range test is paid first; a growing rate was not recorded, and its curve is never used
    for the answer. An observation carries the recorded rate that is nearest to the one asked for. Another
    seed is the same run.
    """
    tape = Tape(pair, space.allowance)
    tested, _ = RangeTest().decide(RangeTest().start(space), ())
    tape.pay(sum(action.cost for action in tested))
    rest = replace(space, budget=space.budget - tape.spent / space.steps)
    strategy = Probe()
    state = strategy.start(rest)
    everything: list[Observation] = []
    seen: list[Observation] = []
    while True:
        actions, state = strategy.decide(state, seen)
        if not actions:
            return everything, rest, tape.spent
        seen = [item for action in actions for item in _observed(tape, action)]
        everything += seen


def _observed(tape: Tape, action: Action) -> list[Observation]:
    items = []
    for lr in action.lrs:
        place = tape.pair.nearest(lr)
        value = tape.train(place, action.steps)
        items.append(
            Observation(
                lr=tape.pair.lrs[place],
                steps=action.steps,
                seed=action.seed,
                rung=action.rung,
                value=value,
                seen=tape.pair.seen(place, action.steps),
            )
        )
    return items


def find(pair: Pair, space: Space) -> Pick:
    """Probe, then recommend: what `find` answers."""
    observations, rest, spent = probed(pair, space)
    context = Context(
        plan=plan(rest),
        schedule="constant",
        warmup_steps=0,
        tolerance=_TOLERANCE,
        sign=1,
        name="loss",
        interrupted=False,
    )
    answer, _ = recommend(space, observations, context)
    return Pick(lr=answer.lr, spent=spent, status=answer.status)


def lowest_probe(pair: Pair, space: Space) -> Pick:
    """Probe, then take the lowest loss of the longest trials: what `find` saw, without its judgement."""
    observations, _, spent = probed(pair, space)
    longest = max((item.steps for item in observations), default=0)
    return Pick(lr=_lowest([item for item in observations if item.steps == longest]), spent=spent)


def _lowest(items: Sequence[Observation]) -> float | None:
    finite = [item for item in items if math.isfinite(item.value)]
    return min(finite, key=lambda item: (item.value, item.lr)).lr if finite else None


def halving(pair: Pair, space: Space, *, every: int = 1) -> Pick:
    """Successive halving: rounds of equal cost; the half with the lower loss so far goes on.

    Runs are continued, not started again, and never longer than the full run. Where the budget does not pay
    for a step of each rate in each round, every second rate takes part, or every third, and so on.
    """
    tape, alive = Tape(pair, space.allowance), _places(pair, space, every)
    while _rounds(len(alive)) * len(alive) > space.allowance:
        every += 1
        alive = _places(pair, space, every)
    rounds, trained, loss = _rounds(len(alive)), 0, math.inf
    for _ in range(rounds):
        steps = min(pair.steps, trained + space.allowance // (rounds * len(alive)))
        ranked = sorted((_sortable(tape.train(place, steps, trained=trained)), place) for place in alive)
        alive = [place for _, place in ranked[: math.ceil(len(ranked) / 2)]]
        trained, loss = steps, ranked[0][0]
    return Pick(lr=pair.lrs[alive[0]] if loss < math.inf else None, spent=tape.spent)


def _rounds(count: int) -> int:
    """Return how often a number is halved, rounding up, until it is one."""
    return (count - 1).bit_length()


def lowest_loss(pair: Pair, space: Space, *, every: int = 1) -> Pick:
    """All rates, or as many as can be paid, for an equal, short length; the one with the lowest loss."""
    tape, places = Tape(pair, space.allowance), _places(pair, space, every)
    while len(places) > space.allowance:
        every += 1
        places = _places(pair, space, every)
    steps = min(pair.steps, space.allowance // len(places))
    loss, best = min((_sortable(tape.train(place, steps)), place) for place in places)
    return Pick(lr=pair.lrs[best] if loss < math.inf else None, spent=tape.spent)


def _places(pair: Pair, space: Space, every: int) -> list[int]:
    inside = [place for place, lr in enumerate(pair.lrs) if space.low * 0.999 <= lr <= space.high * 1.001]
    return inside[::every]


def _sortable(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def _thinned(rule: Callable[..., Pick]) -> Rule:
    return lambda pair, space: rule(pair, space, every=_THINNED)


RULES: dict[str, Rule] = {
    "find": find,
    "lowest probe of find": lowest_probe,
    "halving": halving,
    "halving, every third rate": _thinned(halving),
    "lowest loss": lowest_loss,
    "lowest loss, every third rate": _thinned(lowest_loss),
}
