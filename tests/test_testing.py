"""The conformance kit finds each way of breaking the contract."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from rightrate.errors import ConfigError, RightrateError
from rightrate.schedules import Constant, Linear, LinearWarmup, Schedule
from rightrate.search.space import Action, Space
from rightrate.testing import ConformanceError, check_control, check_schedule, check_strategy


class Negative(Linear):
    def _fraction(self, step, length):
        return 1.0 - 3.0 * step / length


class NotFinite(Linear):
    def _fraction(self, step, length):
        return np.where(step > length / 2, np.nan, 1.0)


class AboveThePeak(Linear):
    def _fraction(self, step, length):
        return 1.0 + step / length


class BelowThePeak(Linear):
    def _fraction(self, step, length):
        return 0.5 * super()._fraction(step, length)


class RisesAgain(Linear):
    def __call__(self, step):
        values = self.peak * np.abs(np.cos(np.pi * np.asarray(step) / self.total_steps))
        if np.any(np.asarray(step) < 0):
            raise ConfigError("negative")
        return float(values) if values.ndim == 0 else values


class TakesNegativeSteps(Linear):
    def __call__(self, step):
        return super().__call__(np.abs(step))


class MixesTheElements(Linear):
    def __call__(self, step):
        values = super().__call__(step)
        return values if isinstance(values, float) else np.maximum(values, values.mean())


class MixesTheRows(Linear):
    def __call__(self, step):
        values = super().__call__(step)
        return values[::-1] if np.ndim(values) == 2 else values


class ReturnsArraysForScalars(Linear):
    def __call__(self, step):
        return np.asarray(super().__call__(step))


class ReturnsSinglePrecision(Linear):
    def __call__(self, step):
        values = super().__call__(step)
        return values if isinstance(values, float) else values.astype(np.float32)


class ScalesSomethingElse(Linear):
    def __mul__(self, factor):
        return self


@dataclass(frozen=True, kw_only=True)
class CountsItsCalls(Linear):
    calls: int = 0

    def __call__(self, step):
        object.__setattr__(self, "calls", self.calls + 1)
        return super().__call__(step)


@dataclass(frozen=True, kw_only=True)
class CannotBeHashed(Constant):
    notes: list[Any] = field(default_factory=list)


class CannotBePickled(Constant):
    def __reduce__(self):
        raise TypeError("cannot pickle")


class ForgetsItsPeak(Linear):
    def __getstate__(self):
        return {**self.__dict__, "peak": 1.0}


class TurnsBetweenItsMarks(Linear):
    def _fraction(self, step, length):
        return 1.0 - np.abs(2.0 * step / length - 1.0)


class MarksOutOfOrder(Linear):
    def marks(self):
        return (0, 50, 20, 99)


class ForgetsTheLastMark(Linear):
    def marks(self):
        return (0, 20)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (TurnsBetweenItsMarks, r"the rate .*0\.004.* at step 2 is above those at the marks around it"),
        (MarksOutOfOrder, r"its marks \(0, 50, 20, 99\) are not integers that ascend from 0 to 99"),
        (ForgetsTheLastMark, r"its marks \(0, 20\) are not integers that ascend from 0 to 99"),
        (Negative, r"the rate .* at step 34 is below 0"),
        (NotFinite, r"the rate .*nan.* at step 51 is not finite"),
        (AboveThePeak, r"at step 1 is above the peak 0\.1"),
        (BelowThePeak, r"the largest rate is .*0\.05.*, the peak 0\.1 is not reached"),
        (RisesAgain, r"step 100, after the end, gives 0\.1, not the last rate"),
        (TakesNegativeSteps, r"step -1 is taken, not refused with a ConfigError"),
        (MixesTheElements, r"step \d+ alone gives .*, in an array"),
        (MixesTheRows, r"a table of steps gives other rates than its rows"),
        (ReturnsArraysForScalars, r"one step gives a ndarray, not a float"),
        (ReturnsSinglePrecision, r"rates of float32, not as many of float64"),
        (ScalesSomethingElse, r"half the schedule does not give half the rates"),
        (CannotBeHashed, r"it is not picklable or not hashable: unhashable type: 'list'"),
        (CannotBePickled, r"it is not picklable or not hashable: cannot pickle"),
        (ForgetsItsPeak, r"its pickled copy is not equal to it"),
    ],
)
def test_a_broken_schedule_is_found(kind: type[Schedule], message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        check_schedule(kind(peak=0.1, total_steps=100))


def test_a_schedule_that_changes_when_called_is_found() -> None:
    with pytest.raises(ConformanceError, match=r"calling it changed it from .*calls=0"):
        check_schedule(CountsItsCalls(peak=0.1, total_steps=100))


def test_a_warmup_may_leave_the_peak_to_what_follows() -> None:
    check_schedule(LinearWarmup(total_steps=5))
    check_schedule(LinearWarmup(total_steps=1))

    class HalfAsHigh(Constant):
        def _fraction(self, step, length):
            return 0.5 * super()._fraction(step, length)

    with pytest.raises(ConformanceError, match=r"the largest rate is .*0\.5.*, the peak 1\.0 is not reached"):
        check_schedule(HalfAsHigh(total_steps=5))


def test_a_long_run_is_looked_at_in_places() -> None:
    asked = []

    class Listens(Linear):
        def __call__(self, step):
            asked.append(np.size(step))
            return super().__call__(step)

        def __reduce__(self):
            return Linear, ()

    with pytest.raises(ConformanceError):
        check_schedule(Listens(total_steps=10**9, warmup_steps=10**6), places=100)
    assert max(asked) <= 200
    check_schedule(Linear(total_steps=10**9, warmup_steps=10**6), places=16)


def test_the_failure_is_ours_and_a_test_failure() -> None:
    assert issubclass(ConformanceError, RightrateError)
    assert issubclass(ConformanceError, AssertionError)


def test_too_few_places_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"check_schedule\(places=\.\.\.\) must be an integer >= 16, got 3\."
    ):
        check_schedule(Linear(total_steps=5), places=3)


class Halves:
    """A control that keeps the contract: half the rate for every value above 1."""

    def __repr__(self):
        return type(self).__name__

    def init(self, lr):
        return {"lr": lr, "seen": []}

    def update(self, state, observation):
        lr = state["lr"] * (0.5 if observation > 1 else 1.0)
        return lr, {"lr": lr, "seen": [*state["seen"], observation > 1]}


class ChangesTheStateItWasGiven(Halves):
    def update(self, state, observation):
        state["seen"].append(True)
        return state["lr"], state


class KeepsTheObservation(Halves):
    def update(self, state, observation):
        return state["lr"], {**state, "seen": [observation]}


class CountsInItself(Halves):
    count = 0

    def update(self, state, observation):
        self.count += 1
        return state["lr"] / self.count, state


class FollowsWhatItSees(Halves):
    def update(self, state, observation):
        return observation, state


def test_a_control_is_shown_what_is_not_finite_too():
    seen = []

    class Listens(Halves):
        def update(self, state, observation):
            seen.append(observation)
            return super().update(state, observation)

    check_control(Listens(), [3.0, 0.5])
    np.testing.assert_array_equal(seen[::2], [3.0, 0.5, np.nan, np.inf, -np.inf])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (ChangesTheStateItWasGiven, r"ChangesTheStateItWasGiven changes the state it was given\."),
        (KeepsTheObservation, r"The state of KeepsTheObservation is not plain JSON data: Out of range float"),
        (CountsInItself, r"CountsInItself decides differently from the same state, read back from JSON\."),
        (FollowsWhatItSees, r"FollowsWhatItSees gives the rate -2\.0 after it has observed -2\.0\."),
    ],
)
def test_a_broken_control_is_found(kind, message):
    with pytest.raises(ConformanceError, match=message):
        check_control(kind(), [3.0, 0.5, -2.0])


SPACE = Space(low=1e-4, high=1.0, steps=100, budget=0.5, seed=3, decays=False, untrained=2.3)


class OneRound:
    """A strategy that keeps the contract: one round of three rates."""

    def __repr__(self):
        return type(self).__name__

    def start(self, space):
        return {"round": 0}

    def decide(self, state, observations):
        return (self.actions() if state["round"] == 0 else ()), {"round": state["round"] + 1}

    def actions(self, **changes):
        return (
            Action(**{"kind": "probe", "rung": 0, "lrs": (0.001, 0.01), "steps": 20, "seed": 3, **changes}),
        )


class SpendsTooMuch(OneRound):
    def actions(self):
        return super().actions(steps=26)


class RunsTooLong(OneRound):
    def actions(self):
        return super().actions(steps=101)


class AsksForNothing(OneRound):
    def actions(self):
        return super().actions(lrs=())


class AsksForZero(OneRound):
    def actions(self):
        return super().actions(lrs=(0.0, 0.1))


class Repeats(OneRound):
    def decide(self, state, observations):
        return super().actions(steps=1), state


class ChangesItsState(OneRound):
    def decide(self, state, observations):
        state["round"] += 1
        return (), {"round": state["round"]}


class Remembers(OneRound):
    asked = 0

    def decide(self, state, observations):
        self.asked += 1
        return super().actions(seed=self.asked), state


class KeepsATuple(OneRound):
    def start(self, space):
        return {"round": (0,)}

    def decide(self, state, observations):
        return (), {"kind": type(state["round"]).__name__}


class KeepsNaN(OneRound):
    def start(self, space):
        return {"round": float("nan")}


class KeepsAnArray(OneRound):
    def start(self, space):
        return {"round": np.zeros(1)}


def test_a_strategy_is_played_on_a_function():
    asked = []

    def reached(lr, steps, seed):
        asked.append((lr, steps, seed))
        return lr * steps

    observations = check_strategy(OneRound(), SPACE, reached)
    assert asked == [(0.001, 20, 3), (0.01, 20, 3)]
    assert [(seen.lr, seen.value, seen.rung) for seen in observations] == [(0.001, 0.02, 0), (0.01, 0.2, 0)]


def test_a_range_test_costs_and_is_not_observed():
    class Ranges(OneRound):
        def actions(self):
            return super().actions(kind="range", lrs=(1e-4, 1.0), steps=50)

    assert check_strategy(Ranges(), SPACE, lambda lr, steps, seed: 0.0) == ()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (SpendsTooMuch, r"SpendsTooMuch spends 52 member-steps of 50\."),
        (RunsTooLong, r"steps=101.* is not between 1 and 100 steps long\."),
        (AsksForNothing, r"lrs=\(\).* has no rates, or some that are not finite numbers > 0\."),
        (AsksForZero, r"lrs=\(0\.0, 0\.1\).* has no rates, or some that are not finite numbers > 0\."),
        (Repeats, r"Repeats spends 52 member-steps of 50\."),
        (ChangesItsState, r"ChangesItsState changes the state it was given\."),
        (Remembers, r"Remembers decides differently from the same state, read back from JSON\."),
        (KeepsATuple, r"KeepsATuple decides differently from the same state, read back from JSON\."),
        (KeepsNaN, r"The state of KeepsNaN is not plain JSON data: Out of range float values"),
        (KeepsAnArray, r"The state of KeepsAnArray is not plain JSON data: .*ndarray"),
    ],
)
def test_a_broken_strategy_is_found(kind, message):
    with pytest.raises(ConformanceError, match=message):
        check_strategy(kind(), SPACE, lambda lr, steps, seed: 1.0)


def test_a_search_without_end_is_found():
    endless = Space(low=1e-4, high=1.0, steps=100, budget=1e6, seed=3, decays=False, untrained=2.3)
    with pytest.raises(ConformanceError, match=r"Repeats does not end within 1000 decisions\."):
        check_strategy(Repeats(), endless, lambda lr, steps, seed: 1.0)
