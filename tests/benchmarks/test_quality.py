"""The quality benchmark: its arithmetic, what it writes, and that it goes on where it was interrupted."""

import math
from pathlib import Path

import numpy as np
import pytest
from benchmarks.quality import runs as runs_module
from benchmarks.quality.answers import Answer, append, read_answers
from benchmarks.quality.cases import Case, cases, grid
from benchmarks.quality.regret import Truth
from benchmarks.quality.replay import Recorded
from benchmarks.quality.runs import Run, read, write
from benchmarks.quality.scores import FAILURE, Scored, narrow, summary
from benchmarks.quality.tasks import ENTRIES
from benchmarks.quality.truth import missing

CASE = Case(task="wine", optimizer="adamw", schedule="constant")
UNTRAINED = 2.0


def loss_at(lr: float, best: float = -2.0) -> float:
    """Return a bowl in log lr with its floor at 1, and a cliff above 1e-1."""
    return math.nan if lr > 0.2 else 1.0 + 0.1 * (math.log10(lr) - best) ** 2


def run(lr: float, seed: int = 0, steps: int = 100, loss: float | None = None, kind: str = "grid") -> Run:
    value = loss_at(lr) if loss is None else loss
    return Run(
        case=CASE,
        steps=steps,
        seed=seed,
        lr=lr,
        kind=kind,
        seconds=1.0,
        accuracy=0.5,
        seen=None,
        losses=(1.5, value),
    )


def truth_of(seeds: int = 3) -> Truth:
    rates = grid("adamw")
    return Truth.of(CASE, [run(lr, seed) for lr in rates for seed in range(seeds)], UNTRAINED)


def test_regret_is_zero_at_the_best_rate_and_one_at_untrained() -> None:
    truth = truth_of()
    assert truth.regret_of(truth.best()) == 0.0
    assert truth.regret_of(UNTRAINED) == truth.regret_of(5.0) == 1.0
    assert truth.regret_at(0.01) == pytest.approx(0.0, abs=0.01)
    assert 0.05 < truth.regret_at(0.1) < 0.2


def test_a_rate_between_good_ones_is_interpolated_and_one_beside_the_cliff_is_not() -> None:
    truth = truth_of()
    middle = truth.between(0.0126)
    assert middle is not None
    assert loss_at(0.01) < middle < loss_at(0.01585)
    assert truth.between(0.2) is None


def test_where_nothing_trains_on_either_side_a_rate_gets_the_better_side() -> None:
    truth = truth_of()
    assert truth.between(1e-9) == truth.mean[0]
    assert truth.between(2e-6) == min(truth.mean[1], truth.mean[2])
    assert truth.between(30.0) == truth.mean[-1] == UNTRAINED
    trained = Truth.of(CASE, [run(lr, seed, loss=1.1) for lr in (1e-3, 1e-2) for seed in range(3)], UNTRAINED)
    assert trained.between(1e-4) is None
    assert trained.between(0.1) is None


def test_a_smoothed_curve_is_not_moved_by_one_lucky_rate() -> None:
    lucky = [run(lr, seed, loss=0.9 if lr == 0.01 else None) for lr in grid("adamw") for seed in range(3)]
    assert Truth.of(CASE, lucky, UNTRAINED).best() > 0.93


def test_nothing_trains_where_the_best_is_within_noise_of_untrained() -> None:
    flat = [
        run(lr, seed, loss=UNTRAINED - 0.01 * (seed == 1)) for lr in (0.1, 0.01, 0.001) for seed in (0, 1, 2)
    ]
    assert truth_of().trains()
    assert not Truth.of(CASE, flat, UNTRAINED).trains()


def test_the_floor_grows_with_noise() -> None:
    noise = np.random.default_rng(1)
    noisy = [
        run(lr, seed, loss=loss_at(lr) + 0.1 * noise.normal())
        for lr in grid("adamw")[:-4]
        for seed in range(3)
    ]
    assert truth_of().floor() < 0.001
    assert Truth.of(CASE, noisy, UNTRAINED).floor() > 0.005


def test_truth_is_planned_coarse_first_then_shortened_then_dense() -> None:
    recorded: list[Run] = []
    stages = []
    while jobs := missing(CASE, recorded, 100, UNTRAINED):
        stages.append(jobs[0].stage)
        for job in jobs:
            recorded += [run(lr, job.seed, job.steps) for lr in job.lrs]
    assert stages == [0, 1, 2]
    full = {item.lr for item in recorded if item.steps == 100}
    every = grid("adamw")
    assert full > set(every[::2])
    assert all(lr in full for lr in every if 1e-3 <= lr <= 0.1)
    assert len(full) < len(every)


def test_more_seeds_are_wanted_where_the_floor_is_high() -> None:
    noise = np.random.default_rng(1)
    recorded: list[Run] = []
    seeds = set()
    while jobs := missing(CASE, recorded, 100, UNTRAINED):
        for job in jobs:
            recorded += [
                run(lr, job.seed, job.steps, loss=loss_at(lr) + 0.2 * noise.normal()) for lr in job.lrs
            ]
            seeds.add(job.seed)
    assert {0, 1, 2, 3} <= seeds
    assert max(seeds) < 9


def test_what_is_recorded_is_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runs_module, "FOLDER", tmp_path)
    items = [run(0.01), run(0.5, seed=1), run(0.02, steps=12, kind="picked")]
    write("wine", items)
    back = sorted(read("wine"), key=lambda item: item.lr)
    assert [item.lr for item in back] == [0.01, 0.02, 0.5]
    assert back[0] == run(0.01)
    assert math.isnan(back[2].losses[-1])
    before = (tmp_path / "wine.csv.gz").read_bytes()
    write("wine", reversed(back))
    assert (tmp_path / "wine.csv.gz").read_bytes() == before
    assert read("digits") == []


def answer(tool: str = "a", seed: int = 0, lr: float | None = 0.01, **more: float | str) -> Answer:
    return Answer(tool=tool, case=CASE, seed=seed, lr=lr, steps=10, seconds=1.0, **more)  # type: ignore[arg-type]


def test_answers_survive_a_torn_last_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    append(path, [answer(note='TypeError: a "quoted", thing'), answer(seed=1, lr=None)])
    with path.open("a") as file:
        file.write("a,wine,ada")
    assert len(read_answers(path)) == 2
    append(path, [answer(seed=2, loss=1.5, status="found")])
    back = read_answers(path)
    assert [item.seed for item in back] == [0, 1, 2]
    assert back[0].note == 'TypeError: a "quoted", thing'
    assert back[1].lr is None
    assert (back[2].loss, back[2].status) == (1.5, "found")


def test_a_summary_counts_failures_and_the_spread_over_seeds() -> None:
    scored = [
        Scored(answer=answer(seed=seed, lr=lr), regret=regret, accuracy_regret=0.01, equivalents=1.0)
        for seed, (lr, regret) in enumerate([(0.01, 0.0), (0.02, 0.02), (0.04, FAILURE + 0.1)])
    ]
    row = summary("a", scored, {CASE: truth_of()})
    assert (row.failures, row.answers, row.cases) == (1, 3, 1)
    assert row.mean == pytest.approx(0.62 / 3)
    assert row.within_1 == pytest.approx(1 / 3)
    assert row.points == pytest.approx(1.0)
    assert narrow(truth_of())
    assert row.spread == pytest.approx(4.0)


def test_a_replayed_trial_lies_between_recorded_ones() -> None:
    lrs = (0.001, 0.01, 0.1)
    recorded = Recorded(
        lengths=(10, 100),
        lrs=(lrs, lrs),
        losses=({0: np.array([3.0, 2.0, 3.0])}, {0: np.array([2.0, 1.0, 3.0])}),
        seen=({0: np.array([3.0, 1.0, 3.0])}, {0: np.array([2.0, 0.0, 3.0])}),
    )
    assert recorded.at(10, 0.01, 0) == (2.0, 1.0)
    assert recorded.at(100, 0.01, 5) == (1.0, 0.0)
    assert recorded.at(32, 0.01, 0) == pytest.approx((1.5, 0.5), abs=0.01)
    assert recorded.at(100, 10**-2.5, 0) == pytest.approx((1.5, 1.0))


def test_tasks_for_practice_are_part_of_no_report() -> None:
    practice = {name for name, entry in ENTRIES.items() if entry.half == "practice"}
    assert practice
    assert not practice & {case.task for case in cases()}
    assert {case.task for case in cases(practice)} == practice


def test_half_of_the_tasks_are_held_out_and_a_third_have_every_optimizer() -> None:
    own = [entry for entry in ENTRIES.values() if entry.half in ("development", "held out")]
    held = [entry for entry in own if entry.half == "held out"]
    assert len(own) >= 12
    assert 2 * len(held) == len(own)
    assert 3 * sum(len(entry.optimizers) == 5 for entry in own) >= len(own)
    assert len({entry.kind for entry in own}) == len(own)


def test_unknown_tasks_are_named() -> None:
    with pytest.raises(SystemExit, match="There is no task nonsense; there are: digits-bn"):
        cases(["nonsense"])


def test_a_rate_of_the_grid_is_what_it_was_even_beside_the_cliff() -> None:
    truth = truth_of()
    beside = next(place for place, lr in enumerate(truth.lr) if truth.between(lr * 1.2) is None)
    assert truth.between(truth.lr[beside]) == pytest.approx(truth.mean[beside])
