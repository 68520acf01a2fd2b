"""Renders the text-art fonts of `pyfiglet` as small grey images."""

import functools
import string
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pyfiglet import FigletFont

__all__ = ["CHARACTERS", "SIDE", "glyphs"]

CHARACTERS = string.digits + string.ascii_letters
SIDE = 28

_FAINT = frozenset(".,:;'`\"-_~^")
_THIN = frozenset("/\\|()[]{}<>!+=*")
_FEWEST = 50
"""A font counts if it draws at least this many of the characters in a way no font before it does."""

Image = NDArray[np.float32]


def glyphs(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return every different image that `count` fonts draw of letters and digits.

    The fonts are taken from all over the alphabet, always the same ones. An image that was drawn before, by
    this font or another (many fonts have no small letters of their own), is left out.

    Args:
        count: Number of fonts, >= 1.

    Returns:
        Images in [0, 1] of shape (N, 28, 28), and of each the number of its font and its position in
        `CHARACTERS`.
    """
    every = sorted(FigletFont.getFonts())  # type: ignore[no-untyped-call]
    seen: set[bytes] = set()
    images: list[Image] = []
    fonts: list[int] = []
    places: list[int] = []
    chosen = 0
    for name in (name for start in range(3) for name in every[start::3]):
        drawn = {image.tobytes(): (place, image) for place, image in reversed(list(_drawn(name)))}
        new = [drawn[key] for key in reversed(drawn) if key not in seen]
        if len(new) < _FEWEST:
            continue
        seen.update(drawn)
        images += [image for _, image in new]
        places += [place for place, _ in new]
        fonts += [chosen] * len(new)
        chosen += 1
        if chosen == count:
            break
    return np.stack(images), np.array(fonts, dtype=np.int64), np.array(places, dtype=np.int64)


def _drawn(name: str) -> Iterator[tuple[int, Image]]:
    """Yield the characters a font draws, each with its image."""
    font = FigletFont(name)
    for place, character in enumerate(CHARACTERS):
        rows = [row.replace(font.hardBlank, " ") for row in font.chars.get(ord(character), ())]
        if any(row.strip() for row in rows):
            yield place, _image(rows)


def _image(rows: Sequence[str]) -> Image:
    """Return rows of text as a grey image; a cell of text is twice as high as it is wide."""
    width = max(map(len, rows))
    ink = np.array([[_ink(symbol) for symbol in row.ljust(width)] for row in rows], dtype=np.float32)
    scale = SIDE / max(2 * len(rows), width)
    high, wide = max(1, round(2 * len(rows) * scale)), max(1, round(width * scale))
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    top, left = (SIDE - high) // 2, (SIDE - wide) // 2
    resized = _resizing(len(rows), high) @ ink @ _resizing(width, wide).T
    # Rounded, so that what is the same picture is the same bytes on every machine.
    image[top : top + high, left : left + wide] = np.round(resized, 4)
    return image


def _ink(symbol: str) -> float:
    """Return how dark a symbol looks, 0 to 1."""
    if symbol == " ":
        return 0.0
    if symbol in _FAINT:
        return 0.4
    return 0.7 if symbol in _THIN else 1.0


@functools.lru_cache(maxsize=256)
def _resizing(size: int, target: int) -> NDArray[np.float32]:
    """Return the (target, size) matrix that averages `size` cells over `target` pixels by area."""
    edges = np.arange(target + 1) * (size / target)
    cells = np.arange(size)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return np.asarray(np.clip(overlap, 0, None) * (target / size), dtype=np.float32)
