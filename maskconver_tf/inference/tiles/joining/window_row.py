"""Keeps what a row of windows has found, until no later window sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np

from maskconver_tf.inference.tiles.joining.overlaps import WindowParts
from maskconver_tf.inference.tiles.windows import Window


class Patch(NamedTuple):
    """What a window has found in a rectangle of pixels that another window owns.

    Attributes:
      top, left: of the rectangle, in the band.
      parts: part numbers, int32 `[h, w]`.
    """

    top: int
    left: int
    parts: np.ndarray


class Band(NamedTuple):
    """The rows of the picture that one row of windows owns, and what all windows found there.

    Attributes:
      owned: the part of the window that owns each pixel, int32 `[n, width]`.
      patches: the parts of all other windows that see the pixels.
    """

    owned: np.ndarray
    patches: list[Patch]


class WindowRow:
    """The part numbers of a row of windows.

    Args:
      y: the rows that the windows see.
      columns: the columns of each window.

    Attributes:
      y, columns: as given.
      parts: the segments of each window so far.
    """

    def __init__(self, y: Window, columns: list[Window]):
        self.y, self.columns = y, columns
        self.parts: list[WindowParts] = []
        self._top = y.start
        self._maps: list[np.ndarray] = []

    def add(self, numbered: np.ndarray, parts: WindowParts) -> None:
        """Adds the next window: its map of part numbers, and its segments."""
        self._maps.append(numbered)
        self.parts.append(parts)

    def seen_too(self, number: int, y: Window, x: Window) -> np.ndarray:
        """Returns the part numbers of a window in the pixels that another window sees, too."""
        own = self.columns[number]
        columns = max(own.start, x.start), min(own.end, x.end)
        return self._crop(number, max(self.y.start, y.start), min(self.y.end, y.end), *columns)

    def owned(self) -> np.ndarray:
        """Returns the part numbers in the rows of this row, each pixel of its owner."""
        y = self.y
        crops = [
            self._crop(number, y.first, y.last, x.first, x.last)
            for number, x in enumerate(self.columns)
        ]
        return np.concatenate(crops, axis=1)

    def patches(self, of: Window) -> Iterator[Patch]:
        """Yields what the windows found in pixels of a row that they do not own.

        Args:
          of: the row; another one or this one.
        """
        top, bottom = max(self.y.start, of.first), min(self.y.end, of.last)
        for number, x in enumerate(self.columns):
            own_row = of == self.y
            sides = [(x.start, x.first), (x.last, x.end)] if own_row else [(x.start, x.end)]
            for left, right in sides:
                if top < bottom and left < right:
                    crop = self._crop(number, top, bottom, left, right)
                    yield Patch(top - of.first, left, crop)

    def forget_rows_above(self, top: int) -> None:
        """Drops the rows of the picture above `top`."""
        dropped = max(top - self._top, 0)
        self._top += dropped
        self._maps = [each[dropped:].copy() for each in self._maps]

    def _crop(self, number: int, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        x = self.columns[number].start
        return self._maps[number][top - self._top : bottom - self._top, left - x : right - x]


def bands_of(rows: Iterable[WindowRow], most_rows: int) -> Iterator[Band]:
    """Yields the rows that each row of windows owns, once all windows that see them are known.

    Args:
      rows: from the top.
      most_rows: how many rows of windows see one pixel at most.
    """
    around = deque([None] * (2 * most_rows - 1), maxlen=2 * most_rows - 1)
    for row in chain(rows, repeat(None, most_rows - 1)):
        around.append(row)
        owner = around[most_rows - 1]
        if owner is None:
            continue
        known = [each for each in around if each is not None]
        yield Band(owner.owned(), [patch for each in known for patch in each.patches(owner.y)])
        for each in known:
            each.forget_rows_above(owner.y.last)
