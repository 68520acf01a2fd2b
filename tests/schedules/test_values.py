"""Values worked by hand from each formula."""

import numpy as np
import pytest

from rightrate.schedules import (
    Clipped,
    Constant,
    CosineRestarts,
    CosineWarmup,
    Exponential,
    ExponentialWarmup,
    ExpRange,
    InverseSqrt,
    InverseTime,
    Linear,
    LinearWarmup,
    MultiStep,
    OneCycle,
    PerEpoch,
    Piecewise,
    Polynomial,
    Restarted,
    Rex,
    Scaled,
    Schedule,
    Sequence,
    Shifted,
    Step,
    Triangular,
    Triangular2,
    WarmupStableDecay,
)

HALF = 0.5**0.5
FOUR = Linear(peak=0.8, total_steps=4)  # 0.8, 0.6, 0.4, 0.2
WARM = {"peak": 0.8, "total_steps": 7, "warmup_steps": 3}  # begins 0.2, 0.4, 0.6


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        # peak / (1 + rate * t / decay_steps), t = 0 ... 3 after the warm-up.
        (InverseTime(**WARM, decay_steps=1), [0.2, 0.4, 0.6, 0.8, 0.4, 0.8 / 3, 0.2, 0.2]),
        (InverseTime(**WARM, decay_steps=2, rate=2.0), [0.2, 0.4, 0.6, 0.8, 0.4, 0.8 / 3, 0.2, 0.2]),
        (InverseTime(**WARM, decay_steps=2, staircase=True), [0.2, 0.4, 0.6, 0.8, 0.8, 0.4, 0.4, 0.4]),
        # peak * rate ** (t / decay_steps).
        (Exponential(**WARM, decay_steps=1, rate=0.5), [0.2, 0.4, 0.6, 0.8, 0.4, 0.2, 0.1, 0.1]),
        (
            Exponential(peak=1.0, total_steps=5, decay_steps=2, rate=0.5),
            [1, HALF, 0.5, 0.5 * HALF, 0.25, 0.25],
        ),
        (
            Exponential(peak=1.0, total_steps=5, decay_steps=2, rate=0.5, staircase=True),
            [1, 1, 0.5, 0.5, 0.25, 0.25],
        ),
        (Step(**WARM, every_steps=2), [0.2, 0.4, 0.6, 0.8, 0.8, 0.08, 0.08, 0.08]),
        (Step(peak=1.0, total_steps=5, every_steps=2, factor=0.5), [1, 1, 0.5, 0.5, 0.25, 0.25]),
        # Milestones are counted from the start of the run.
        (MultiStep(**WARM, milestones=(4, 6), factor=0.5), [0.2, 0.4, 0.6, 0.8, 0.4, 0.4, 0.2, 0.2]),
        (MultiStep(peak=1.0, total_steps=4, milestones=(1, 2)), [1, 0.1, 0.01, 0.01, 0.01]),
        (Piecewise(until=(2, 3, 5), values=(0.1, 0.3, 0.2)), [0.1, 0.1, 0.3, 0.2, 0.2, 0.2]),
        # (1 - t/4) ** 2 = 1, 9/16, 4/16, 1/16.
        (Polynomial(**WARM, power=2.0), [0.2, 0.4, 0.6, 0.8, 0.45, 0.2, 0.05, 0.05]),
        (Polynomial(peak=1.0, total_steps=2, power=2.0, floor=0.2), [1, 0.4, 0.4]),
        # sqrt(4 / (t + 4)) with timescale warmup_steps + 1 = 4.
        (InverseSqrt(**WARM), [0.2, 0.4, 0.6, 0.8, 0.8 * (4 / 5) ** 0.5, 0.8 * (4 / 6) ** 0.5]),
        (InverseSqrt(peak=1.0, total_steps=9), [1, HALF, 3**-0.5, 0.5, 5**-0.5]),
        (InverseSqrt(peak=1.0, total_steps=9, timescale_steps=3), [1, 0.75**0.5, 0.6**0.5, HALF]),
        # (1 - z) / (1/2 + (1 - z)/2) at z = 0, 1/4, 1/2, 3/4: 1, 6/7, 2/3, 2/5.
        (Rex(**WARM), [0.2, 0.4, 0.6, 0.8, 4.8 / 7, 1.6 / 3, 0.32, 0.32]),
        (Rex(peak=1.0, total_steps=2, floor=0.4), [1, 0.8, 0.8]),
        # The last two of seven steps cool down: at x = 0 and 1/2.
        (WarmupStableDecay(**WARM, cooldown_steps=2), [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.4, 0.4]),
        (
            WarmupStableDecay(peak=1.0, total_steps=5, cooldown_steps=4, cooldown="1-sqrt"),
            [1, 1, 0.5, 1 - HALF, 1 - 0.75**0.5],
        ),
        (
            WarmupStableDecay(peak=1.0, total_steps=5, cooldown_steps=4, cooldown="cosine", floor=0.5),
            [1, 1, 0.5 + (2 + 2**0.5) / 8, 0.75, 0.5 + (2 - 2**0.5) / 8],
        ),
        # Cycles of 2 and 4 steps: (1 + cos(pi u / L)) / 2.
        (
            CosineRestarts(peak=1.0, total_steps=8, cycle_steps=2, growth=2),
            [1, 0.5, 1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 1, (2 + (2 + 2**0.5) ** 0.5) / 4],
        ),
        (CosineRestarts(**WARM, cycle_steps=2, floor=0.5), [0.2, 0.4, 0.6, 0.8, 0.6, 0.8, 0.6, 0.6]),
        # Five steps up (0.5 * 10 - 1 = 4 intervals), five intervals down.
        (
            OneCycle(peak=1.0, total_steps=9, rise_fraction=5 / 9, start=0.2, floor=0.0, curve="linear"),
            [0.2, 0.4, 0.6, 0.8, 1, 0.75, 0.5, 0.25, 0, 0],
        ),
        (
            OneCycle(peak=1.0, total_steps=5, rise_fraction=0.6, start=0.2, floor=0.1),
            [0.2, 0.6, 1, 0.55, 0.1, 0.1],
        ),
        (OneCycle(peak=2.0, total_steps=2), [2.0, 8e-6, 8e-6]),
        (OneCycle(peak=2.0, total_steps=1), [2.0, 2.0]),
        (OneCycle(total_steps=3, rise_fraction=1.0, start=0.0), [0, 0.5, 1, 1]),
        (
            Triangular(peak=1.0, total_steps=7, half_cycle_steps=2, floor=0.2),
            [0.2, 0.6, 1, 0.6, 0.2, 0.6, 1, 1],
        ),
        (
            Triangular2(peak=1.0, total_steps=7, half_cycle_steps=2, floor=0.2),
            [0.2, 0.6, 1, 0.6, 0.2, 0.4, 0.6, 0.6],
        ),
        # Heights 1/2, 1, 1/2, 0, ... times 0.9 ** t, over 0.81.
        (
            ExpRange(peak=1.0, total_steps=7, half_cycle_steps=2, floor=0.0, gamma=0.9),
            [0, 0.5 / 0.9, 1, 0.45, 0, 0.5 * 0.9**3, 0.9**4, 0.9**4],
        ),
        # Heights 1/2 * 0.1, 1 * 0.01, ...: the fall brings the peak to step 1.
        (
            ExpRange(peak=1.0, total_steps=6, half_cycle_steps=2, floor=0.5, gamma=0.1),
            [0.5, 1, 0.6, 0.505, 0.5, 0.5 + 0.5e-4],
        ),
        (LinearWarmup(peak=0.8, total_steps=3), [0.2, 0.4, 0.6, 0.6]),
        (LinearWarmup(total_steps=4, start=0.2), [0.2, 0.4, 0.6, 0.8, 0.8]),
        (LinearWarmup(total_steps=1), [0.5, 0.5]),
        (ExponentialWarmup(total_steps=2, start=0.01), [0.01, 0.1, 0.1]),
        (ExponentialWarmup(total_steps=3), [1 / 4, 4 ** (-2 / 3), 4 ** (-1 / 3)]),
        (CosineWarmup(total_steps=2, start=0.5), [0.5, 0.75, 0.75]),
        (CosineWarmup(total_steps=2), [1 / 3, 2 / 3, 2 / 3]),
        (Scaled(schedule=FOUR, factor=0.5), [0.4, 0.3, 0.2, 0.1, 0.1]),
        (Clipped(schedule=FOUR, low=0.3, high=0.7), [0.7, 0.6, 0.4, 0.3, 0.3]),
        (Clipped(schedule=FOUR, low=0.5), [0.8, 0.6, 0.5, 0.5]),
        (Shifted(schedule=FOUR, skip_steps=1), [0.6, 0.4, 0.2, 0.2]),
        (Restarted(schedule=FOUR, times=2), [0.8, 0.6, 0.4, 0.2, 0.8, 0.6, 0.4, 0.2, 0.2]),
        (PerEpoch(schedule=FOUR, steps_per_epoch=2), [0.8, 0.8, 0.6, 0.6, 0.4, 0.4, 0.2, 0.2, 0.2]),
        (
            Sequence(parts=(LinearWarmup(peak=0.8, total_steps=3), FOUR)),
            [0.2, 0.4, 0.6, 0.8, 0.6, 0.4, 0.2, 0.2],
        ),
    ],
    ids=repr,
)
def test_values_by_hand(schedule: Schedule, rates: list[float]) -> None:
    np.testing.assert_allclose(schedule(np.arange(len(rates))), rates, rtol=1e-12, atol=1e-16)


def test_one_cycle_has_the_numbers_of_the_paper_and_of_torch():
    cycle = OneCycle(peak=0.5, total_steps=1000)
    assert cycle(0) == pytest.approx(0.02, rel=1e-12)
    assert cycle(299) == 0.5
    assert cycle(999) == pytest.approx(2e-6, rel=1e-12)
    assert cycle(1000) == cycle(999)


def test_the_transformers_schedule():
    # Vaswani et al., equation 3, with d_model = 512, 4000 warm-up steps and steps counted from 1.
    numbers = np.arange(1, 20_001)
    paper = 512**-0.5 * np.minimum(numbers**-0.5, numbers * 4000**-1.5)
    ours = InverseSqrt(peak=(512 * 4000) ** -0.5, total_steps=20_000, warmup_steps=3999)
    np.testing.assert_allclose(ours(numbers - 1), paper, rtol=1e-12)


def test_a_warmup_before_a_decay_is_the_decays_own():
    steps = np.arange(14)
    for warmup in (1, 4):
        parts = LinearWarmup(peak=0.3, total_steps=warmup) + Linear(peak=0.3, total_steps=9, floor=0.2)
        whole = Linear(peak=0.3, total_steps=9 + warmup, warmup_steps=warmup, floor=0.2)
        np.testing.assert_allclose(parts(steps), whole(steps), rtol=1e-15)


@pytest.mark.parametrize(
    ("schedule", "peak", "total_steps", "marks"),
    [
        (Scaled(schedule=FOUR, factor=0.5), 0.4, 4, (0, 3)),
        (Clipped(schedule=FOUR, high=0.7), 0.7, 4, (0, 3)),
        (Clipped(schedule=FOUR, low=0.9), 0.9, 4, (0, 3)),
        (Clipped(schedule=LinearWarmup(total_steps=3), high=0.9), 0.75, 3, (0, 2)),
        (Shifted(schedule=FOUR, skip_steps=1), 0.6, 3, (0, 2)),
        (Shifted(schedule=Step(total_steps=9, every_steps=4), skip_steps=3), 1.0, 6, (0, 1, 5)),
        (Restarted(schedule=FOUR, times=2), 0.8, 8, (0, 3, 4, 7)),
        (PerEpoch(schedule=FOUR, steps_per_epoch=5), 0.8, 20, (0, 15, 19)),
        (LinearWarmup(peak=0.8, total_steps=3) + Constant(peak=0.1, total_steps=2), 0.6, 5, (0, 2, 3, 4)),
        (Piecewise(until=(2, 3, 5), values=(0.1, 0.3, 0.2)), 0.3, 5, (0, 2, 3, 4)),
        (OneCycle(total_steps=100), 1.0, 100, (0, 29, 99)),
        (OneCycle(total_steps=9), 1.0, 9, (0, 2, 8)),  # 0.3 * 9 = 2.7, the third step
        (Triangular(total_steps=8, half_cycle_steps=2), 1.0, 8, (0, 2, 4, 6, 7)),
        (Triangular2(total_steps=8, half_cycle_steps=2), 1.0, 8, (0, 2, 4, 6, 7)),
        (ExpRange(total_steps=8, half_cycle_steps=2, gamma=0.1), 1.0, 8, (0, 1, 2, 4, 5, 6, 7)),
        # t * 0.621 ** t has its top near 2.1, and is larger at 2 than at 3.
        (ExpRange(total_steps=9, half_cycle_steps=4, gamma=0.621), 1.0, 9, (0, 2, 4, 8)),
        (CosineRestarts(total_steps=20, cycle_steps=2, growth=3), 1.0, 20, (0, 2, 8, 19)),
        (CosineRestarts(total_steps=9, warmup_steps=1, cycle_steps=2, growth=2), 1.0, 9, (0, 1, 3, 7, 8)),
        (WarmupStableDecay(total_steps=9, warmup_steps=2, cooldown_steps=3), 1.0, 9, (0, 2, 6, 8)),
        (Step(total_steps=9, warmup_steps=2, every_steps=3), 1.0, 9, (0, 2, 5, 8)),
        (MultiStep(total_steps=9, milestones=(3, 5)), 1.0, 9, (0, 3, 5, 8)),
        (Exponential(total_steps=9, decay_steps=4, rate=0.5, staircase=True), 1.0, 9, (0, 4, 8)),
        (Exponential(total_steps=9, decay_steps=4, rate=0.5), 1.0, 9, (0, 8)),
        (InverseTime(total_steps=9, decay_steps=4, staircase=True), 1.0, 9, (0, 4, 8)),
    ],
    ids=repr,
)
def test_peak_length_and_marks(
    schedule: Schedule, peak: float, total_steps: int, marks: tuple[int, ...]
) -> None:
    assert schedule.peak == pytest.approx(peak, rel=1e-15)
    assert schedule.total_steps == total_steps
    assert schedule.marks() == marks
