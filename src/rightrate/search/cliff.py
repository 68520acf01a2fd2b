"""Where training starts to fail, as far as it was measured."""

from collections.abc import Sequence

import numpy as np

from rightrate.search.record import Cliff
from rightrate.search.rungs import Rung

__all__ = ["find_cliff"]


def find_cliff(rungs: Sequence[Rung], schedule: str, warmup_steps: int) -> Cliff:
    """Return the cliff at the longest length that bracketed one, or a lower bound.

    Failures below a length's best rate are failures to start, not the cliff.

    Args:
        rungs: All rungs, shortest first.
        schedule: Name of the schedule.
        warmup_steps: Its warm-up; a probe too short to hold it whole measures no cliff of the real run.
    """
    whole = [rung for rung in rungs if not warmup_steps or rung.steps >= 2 * warmup_steps]
    if not whole:
        short = f"no probe was long enough for the {warmup_steps} steps of warm-up"
        note = f"The largest stable rate is unmeasured: {short}."
        return Cliff(schedule=schedule, note=note)
    bracketed: Cliff | None = None
    trained = 0.0
    longest = whole[-1].steps
    for rung in reversed(whole):
        rates = 10.0**rung.place
        best = rates[int(np.argmin(rung.value))]
        failing = rates[rung.failed & (rates > best)]
        lowest = float(failing.min()) if len(failing) else None
        good = rates[~rung.failed & (rates < (lowest or np.inf))]
        if len(good) and rung.steps == longest:
            trained = float(good.max())
        if lowest is not None and len(good):
            bracketed = Cliff(
                max_stable=_rounded(float(good.max())),
                lowest_failed=_rounded(lowest),
                steps=rung.steps,
                schedule=schedule,
            )
            break
    if bracketed is not None and (bracketed.max_stable or 0.0) >= trained * 0.999:
        return bracketed
    if not trained:
        return Cliff(schedule=schedule, note="No rate was measured to train at the longest length.")
    note = (
        f"Nothing failed at {longest} steps; the largest rate tried there, {trained:.3g}, is a lower bound."
    )
    return Cliff(max_stable=_rounded(trained), steps=longest, schedule=schedule, note=note)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
