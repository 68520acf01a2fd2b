"""Steps at equal distances, and what is shown of very many."""

__all__ = ["MOST", "few", "multiples"]

MOST = 1000
"""How many steps of one kind are listed."""


def multiples(first: int, every: int, start: int, stop: int) -> range:
    """Return `first`, `first + every`, ... in [start, stop).

    Example:
        >>> list(multiples(3, 10, 20, 50))
        [23, 33, 43]
    """
    passed = max(0, -((first - start) // every))
    return range(first + passed * every, stop, every)


def few(items: range, most: int = MOST) -> list[int]:
    """Return all items, or the first and the last of them where there are more than `most`.

    Example:
        >>> few(range(5), 5), few(range(10**9), 4), few(range(5), 1)
        ([0, 1, 2, 3, 4], [0, 1, 999999998, 999999999], [])
    """
    half = most // 2
    return list(items) if len(items) <= most else [*items[:half], *items[len(items) - half :]]
