"""Interleaved pairs: the same steps by everyone in turn, round after round; medians of ratios."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

__all__ = ["Contestant", "Ratio", "rounds"]

_TOO_SLOW_SECONDS = 8.0
_BOOTSTRAPS = 2000


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """Somebody who trains K members.

    Args:
        run: Trains them for some steps; returns CPU seconds spent in other processes, or None.
        close: Called at the end.
        note: What there is to say, such as the engine's verdict.
    """

    run: Callable[[int], float | None]
    close: Callable[[], None] = lambda: None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """How much faster than the plain loop, over all pairs.

    Args:
        median: Of plain seconds over own seconds.
        low: Lower end of its 90 % bootstrap interval.
        high: Upper end.
        member_steps_per_second: Median, by the clock of the ratios.
        wall: Median ratio of wall times.
        pairs: How many pairs.
        note: The contestant's own.
    """

    median: float
    low: float
    high: float
    member_steps_per_second: float
    wall: float
    pairs: int
    note: str = field(default="")


def rounds(
    contestants: Mapping[str, Contestant], *, size: int, pairs: int, seconds: float, device: torch.device
) -> dict[str, Ratio]:
    """Measure all contestants against the first one, the plain loop.

    Args:
        contestants: By name. Each has run a few steps before it is timed.
        size: Members.
        pairs: Rounds; in each everyone runs once, in an order that rotates.
        seconds: About how long the plain loop takes in a round.
        device: On a CPU its seconds are counted, elsewhere those on the wall.
    """
    names = list(contestants)
    plain = names[0]
    for name in names:
        contestants[name].run(2)
    steps = _steps(contestants[plain], seconds, device)
    slow = {name for name in names if _timed(contestants[name], steps, device)[0] > _TOO_SLOW_SECONDS}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for turn in range(pairs):
        order = names[turn % len(names) :] + names[: turn % len(names)]
        for name in order:
            if name not in slow or turn < 1:
                taken[name].append(_timed(contestants[name], steps, device))
    return {
        name: _ratio(taken[plain], own, size * steps, contestants[name].note) for name, own in taken.items()
    }


def _steps(plain: Contestant, seconds: float, device: torch.device) -> int:
    trial = 4
    taken = _timed(plain, trial, device)[0]
    return max(2, round(seconds / max(taken / trial, 1e-6)))


def _timed(contestant: Contestant, steps: int, device: torch.device) -> tuple[float, float]:
    """Return (seconds that count, wall seconds) of some steps."""
    synchronize = torch.cuda.synchronize if device.type == "cuda" else _nothing
    synchronize()
    wall, cpu = time.perf_counter(), time.process_time()
    elsewhere = contestant.run(steps) or 0.0
    synchronize()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu + elsewhere
    return (cpu if device.type == "cpu" else wall), wall


def _nothing() -> None:
    pass


def _ratio(plain: list[tuple[float, float]], own: list[tuple[float, float]], work: int, note: str) -> Ratio:
    pairs = np.array(
        [[first[0] / second[0], first[1] / second[1]] for first, second in zip(plain, own, strict=False)]
    )
    draw = np.random.default_rng(0)
    samples = draw.choice(pairs[:, 0], (_BOOTSTRAPS, len(pairs)))
    low, high = np.quantile(np.median(samples, axis=1), [0.05, 0.95])
    return Ratio(
        median=float(np.median(pairs[:, 0])),
        low=float(low),
        high=float(high),
        member_steps_per_second=float(np.median([work / seconds for seconds, _ in own])),
        wall=float(np.median(pairs[:, 1])),
        pairs=len(pairs),
        note=note,
    )
