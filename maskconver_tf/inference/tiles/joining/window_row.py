"""Keeps what a row of windows has found, until no later window sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain, repeat

import numpy as np

from maskconver_tf.inference.tiles.joining.overlaps import WindowParts
from maskconver_tf.inference.tiles.windows import Window, most_seen


class WindowRow:
    """The part numbers of a row of windows, in layers in which no two windows overlap.

    Args:
      y: the rows that the windows see.
      columns: the columns of each window.

    Attributes:
      y, columns: as given.
      parts: the segments of each window so far.
    """

    def __init__(self, y: Window, columns: list[Window]):
        self.y = y
        self.parts: list[WindowParts] = []
        self.columns = columns
        shape = most_seen(columns), y.end - y.start, columns[-1].end
        self._layers = np.zeros(shape, np.int32)

    def add(self, numbered: np.ndarray, parts: WindowParts) -> None:
        """Adds the next window: its map of part numbers, and its segments."""
        number = len(self.parts)
        x = self.columns[number]
        self.crop(number, self.y, x)[...] = numbered
        self.parts.append(parts)

    def crop(self, number: int, y: Window, x: Window) -> np.ndarray:
        """Returns the part numbers of a window in the pixels that another window sees, too."""
        own = self.columns[number]
        rows = slice(
            max(self.y.start, y.start) - self.y.start, min(self.y.end, y.end) - self.y.start
        )
        columns = slice(max(own.start, x.start), min(own.end, x.end))
        return self._layers[number % len(self._layers), rows, columns]

    def layers(self, y: Window) -> np.ndarray:
        """Returns the layers in the rows that `y` owns, `[layers, rows, width]`.

        They are 0 where no window of this row has found anything. In the first layer each pixel has
        the part of the window that owns its column.
        """
        found = np.zeros((len(self._layers), y.last - y.first, self._layers.shape[2]), np.int32)
        top, bottom = max(y.first, self.y.start), min(y.last, self.y.end)
        rows = self._layers[:, top - self.y.start : bottom - self.y.start]
        for number, x in enumerate(self.columns):
            owned = slice(x.first, x.last)
            found[:, top - y.first : bottom - y.first, owned] = np.roll(
                rows[..., owned], -number, axis=0
            )
        return found

    def sees(self, y: Window) -> bool:
        """Tells whether the row sees any of the rows that `y` owns."""
        return self.y.start < y.last and y.first < self.y.end


def layers_of_bands(rows: Iterator[WindowRow], most_rows: int) -> Iterator[np.ndarray]:
    """Yields, for the rows of the picture that each row of windows owns, the layers of all windows.

    Args:
      rows: from the top. Only those that see a band are kept.
      most_rows: how many rows of windows see one pixel at most.

    Yields:
      part numbers, int32 `[layers, n, width]`. In the first layer each pixel has the part of the
      window that owns it.
    """
    around = deque([None] * (2 * most_rows - 1), maxlen=2 * most_rows - 1)
    for row in chain(rows, repeat(None, most_rows - 1)):
        around.append(row)
        owner = around[most_rows - 1]
        if owner is not None:
            others = [one for one in around if one not in (None, owner) and one.sees(owner.y)]
            yield np.concatenate([one.layers(owner.y) for one in (owner, *others)])
