"""The kit for strategies of populations passes what is shipped, and finds what breaks the contract."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import rightrate as rr
from rightrate.search.bayes import Bayes
from rightrate.search.grid import Grid
from rightrate.search.halving import Halving
from rightrate.search.pbt import Pbt
from rightrate.search.rounds import Annealing, Round, Standing
from rightrate.search.space import Space
from rightrate.testing import ConformanceError, check_population_strategy

SPACE = Space(low=1e-3, high=1.0, steps=100, budget=4.0, seed=3, decays=False, untrained=1.0)
CLIFF = 0.3


def reached(path: Sequence[tuple[float, int]]) -> float:
    """A slow part that falls with the way, and noise that a high rate keeps up; nothing above the cliff."""
    way = sum(lr * steps for lr, steps in path)
    return math.nan if max(lr for lr, _ in path) > CLIFF else math.exp(-way) + 2 * path[-1][0]


@pytest.mark.parametrize("decays", [True, False])
@pytest.mark.parametrize("steps", [1, 7, 100])
@pytest.mark.parametrize(
    "strategy",
    [
        Grid(members=4),
        Halving(members=9),
        Pbt(members=5, ready_steps=20),
        Pbt(members=8, slow=3, weight_decay=(1e-4, 1e-1)),
        Bayes(trials=5, batch=2, sampler="tpe"),
    ],
    ids=lambda strategy: strategy.name,
)
def test_what_is_shipped_keeps_the_contract(strategy: Any, steps: int, decays: bool) -> None:
    asked = replace(SPACE, steps=steps, decays=decays)
    for function in (reached, lambda path: math.nan, lambda path: 0.5):
        assert check_population_strategy(strategy, asked, function)[0].step <= steps


def test_the_method_of_the_documentation_runs_and_keeps_the_contract() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tune.md").read_text(encoding="utf-8")
    section = page.split("### A method of your own")[1].split("\n## ")[0]
    names: dict[str, Any] = {"rr": rr}
    for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
        exec(code, names)
    assert names["result"].winner.step == 200
    for steps in (2, 99):
        check_population_strategy(names["Half"](), replace(SPACE, steps=steps), reached)


@dataclass
class Two:
    """Two members for half the run; then both go on from the better one."""

    name = "two"
    size = 2
    first = Round(take=None, lrs=(0.1, 0.01), steps=50, seed=0)

    def planned(self, space: Space) -> int:
        return 200

    def start(self, space: Space) -> dict[str, Any]:
        return {"round": 0}

    def decide(
        self, state: dict[str, Any], standings: Sequence[Standing]
    ) -> tuple[Sequence[Round], dict[str, Any]]:
        number = state["round"]
        rounds = (self.first, self.second(standings))[number : number + 1] if number < 2 else ()
        return rounds, {"round": number + 1}

    def second(self, standings: Sequence[Standing]) -> Round:
        better = min(range(len(standings)), key=lambda place: standings[place].value, default=0)
        return Round(take=(better, better), lrs=(0.1, 0.05), steps=50, seed=0)


def test_members_are_observed_along_their_own_path() -> None:
    seen = check_population_strategy(Two(), SPACE, reached)
    assert [(standing.lr, standing.step) for standing in seen] == [
        (0.1, 50),
        (0.01, 50),
        (0.1, 100),
        (0.05, 100),
    ]
    # 0.1 * 50 = 5: exp(-5) + 0.2; the second goes on from the same, 2.5 farther at 0.05.
    assert [standing.value for standing in seen[::3]] == pytest.approx(
        [math.exp(-5) + 0.2, math.exp(-7.5) + 0.1]
    )


def test_annealed_copies_go_on_at_half_the_rate() -> None:
    class Anneals(Two):
        size = 2
        first = Round(
            take=None, lrs=(0.1, 0.01), steps=50, seed=0, annealing=Annealing(members=(1,), steps=10)
        )

        def planned(self, space: Space) -> int:
            return 210

    first, second, *_ = check_population_strategy(Anneals(), SPACE, reached)
    assert math.isnan(first.annealed)
    assert second.annealed == pytest.approx(math.exp(-0.55) + 0.01)


def changed(**changes: Any) -> Two:
    """Return the same, its second round changed."""

    class Changed(Two):
        def second(self, standings: Sequence[Standing]) -> Round:
            return replace(super().second(standings), **changes)

    return Changed()


class Three(Two):
    first = Round(take=None, lrs=(0.1, 0.01, 0.001), steps=50, seed=0)


class TakesAtOnce(Two):
    first = Round(take=(0,), lrs=(0.1,), steps=50, seed=0)


class Endless(Two):
    first = Round(take=None, lrs=(0.1,), steps=1, seed=0)

    def planned(self, space: Space) -> int:
        return 10**9

    def decide(self, state: Any, standings: Any) -> Any:
        return (self.first,), state


class Costly(Two):
    def planned(self, space: Space) -> int:
        return 199


class Remembers(Two):
    def decide(self, state: Any, standings: Any) -> Any:
        self.calls = getattr(self, "calls", 0) + 1
        return super().decide({"round": self.calls - 1}, standings)


class ChangesItsState(Two):
    def decide(self, state: Any, standings: Any) -> Any:
        decided = super().decide(state, standings)
        state["round"] = 7
        return decided


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (changed(lrs=(0.1, 0.0)), r"has no rates, or some that are not > 0\."),
        (changed(lrs=(0.1, math.inf)), r"has no rates, or some that are not > 0\."),
        (changed(lrs=(), take=()), r"has no rates, or some that are not > 0\."),
        (changed(steps=0), r"is not a step long\."),
        (changed(steps=51), r"trains for longer than 100 steps in all\."),
        (changed(take=(0, 2)), r"takes members that are not among the 2 of the round before\."),
        (changed(take=(0,)), r"has not as many rates as members that it takes\."),
        (changed(weight_decays=(0.1, 0.1)), r"has weight decays for others\."),
        (changed(take=None, weight_decays=(0.1,)), r"has weight decays for others\."),
        (changed(annealing=Annealing(members=(2,), steps=1)), r"anneals copies of members that it has not"),
        (changed(annealing=Annealing(members=(0,), steps=0)), r"anneals copies .* or for no step\."),
        (Three(), r"has more members than size=2\."),
        (TakesAtOnce(), r"takes members that are not among the 0 of the round before\."),
        (Costly(), r"spends 200 member-steps of 199 that it planned\."),
        (Endless(), r"does not end within 1000 decisions\."),
        (Remembers(), r"decides differently from the same state, read back from JSON\."),
        (ChangesItsState(), r"changes the state it was given\."),
    ],
)
def test_a_broken_strategy_is_found(strategy: Two, message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        check_population_strategy(strategy, SPACE, reached)
