"""One seed for every purpose, mixed from a run's seed and numbers that name the purpose."""

__all__ = ["mix"]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix(seed: int, *numbers: int) -> int:
    """Return a seed in [0, 2**63) that is a well-mixed function of `seed` and of the numbers, in their order.

    Neighbouring seeds, epochs and steps give unrelated results, and `mix(mix(s, a), b)` differs from
    `mix(s, a, b)` and from `mix(s, b, a)`. It is the finaliser of SplitMix64 applied once for each number.

    Args:
        seed: Any integer; of a larger one the lowest 64 bits count.
        *numbers: What the seed is for, such as an epoch and a batch; any integers.

    Example:
        >>> mix(0, 1) == mix(0, 1), mix(0, 1) == mix(1, 0)
        (True, False)
    """
    state = _scramble(seed + _GOLDEN * (len(numbers) + 1))
    for number in numbers:
        state = _scramble(state ^ _scramble(number + _GOLDEN))
    return state >> 1


def _scramble(value: int) -> int:
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
