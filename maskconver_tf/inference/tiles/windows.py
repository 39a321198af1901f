"""Places windows on a picture, and says which window owns which pixel."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from maskconver_tf.errors import UserError

SHORTEST_SIDE = 32
"""Least height and width of a window, in pixels."""


class Window(NamedTuple):
    """A window along one axis, in pixels; all ranges are half-open.

    Attributes:
      start, end: what the window sees.
      first, last: what it owns: of two windows that overlap, each owns half of the overlap.
    """

    start: int
    end: int
    first: int
    last: int


class TileSize(NamedTuple):
    """Height and width of a window, and how far windows overlap, in pixels."""

    height: int
    width: int
    overlap: int


def tile_size(height: int, width: int, overlap: int | None = None) -> TileSize:
    """Checks a size; `overlap` is a quarter of the shorter side if it is None.

    Raises:
      UserError: the sides or the overlap are out of range.
    """
    shorter = min(height, width)
    if shorter < SHORTEST_SIDE:
        raise UserError(
            f"--tile {height},{width}: expected sides of at least {SHORTEST_SIDE} pixels, such as "
            "512"
        )
    overlap = shorter // 4 if overlap is None else overlap
    if not 1 <= overlap <= shorter // 2:
        raise UserError(
            f"--overlap {overlap}: expected 1 to {shorter // 2} pixels, half of a window's "
            f"shorter side; give a larger --tile, or an overlap such as {shorter // 4}"
        )
    return TileSize(height, width, overlap)


def place_windows(length: int, size: int, overlap: int) -> list[Window]:
    """Covers `length` pixels with windows of `size` pixels, evenly spread.

    Neighbors overlap by at least `overlap` pixels. A picture that is smaller than a window has one
    window of its own length. Each pixel has one owner.
    """
    if length <= size:
        return [Window(0, length, 0, length)]
    count = -(-(length - overlap) // (size - overlap))
    starts = [number * (length - size) // (count - 1) for number in range(count)]
    middles = [(after + before + size) // 2 for before, after in itertools.pairwise(starts)]
    firsts, lasts = [0, *middles], [*middles, length]
    return [
        Window(start, start + size, first, last)
        for start, first, last in zip(starts, firsts, lasts, strict=True)
    ]


def most_seen(windows: list[Window]) -> int:
    """Returns how many windows see one pixel at most."""
    return max(
        sum(window.start <= each.start < window.end for window in windows) for each in windows
    )
