"""A real run's schedule, compressed to the length of a probe."""

import numpy as np

from rightrate.schedules import FloatArray

__all__ = ["compress", "warmup_of"]


def warmup_of(values: FloatArray) -> int:
    """Return how many steps a schedule rises before it first reaches its peak.

    Example:
        >>> warmup_of(np.array([0.5, 1.0, 1.0, 0.3]))
        1
    """
    return int(np.argmax(values >= values.max() * (1 - 1e-12)))


def compress(values: FloatArray, steps: int) -> FloatArray:
    """Return the schedule of a run squeezed into `steps` steps.

    A warm-up keeps its absolute number of steps, up to half of the probe: compressed with the rest it moves
    the cliff, because it is its length in steps that keeps a high rate from exploding. What follows is
    sampled evenly, first and last value kept: `probe[i] = run[round(i * (S_run - 1) / (S_probe - 1))]`.

    Args:
        values: The fraction of the peak at each step of the run, shape (S_run,).
        steps: Length of the probe, in [1, S_run].

    Returns:
        The fraction of the peak at each step of the probe, shape (steps,).

    Example:
        >>> compress(np.array([1.0, 0.8, 0.6, 0.4, 0.2]), 3).tolist()
        [1.0, 0.6, 0.2]
    """
    if steps >= len(values):
        return values.copy()
    warmup = warmup_of(values)
    kept = min(warmup, steps // 2)
    rising = _sampled(values[:warmup], kept) if kept < warmup else values[:warmup]
    return np.concatenate([rising, _sampled(values[warmup:], steps - kept)])


def _sampled(values: FloatArray, count: int) -> FloatArray:
    if count <= 1:
        return values[:count]
    places = np.round(np.arange(count) * (len(values) - 1) / (count - 1)).astype(int)
    sampled: FloatArray = values[places]
    return sampled
