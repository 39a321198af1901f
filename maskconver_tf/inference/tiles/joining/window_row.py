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

    @property
    def num_layers(self) -> int:
        """How many windows of the row see one pixel at most."""
        return len(self._layers)

    def write_layers(self, y: Window, into: np.ndarray) -> None:
        """Writes the layers into those rows that `y` owns and that this row sees.

        In the first layer each pixel gets the part of the window that owns its column.

        Args:
          y: rows of the picture.
          into: int32 `[num_layers, rows that y owns, width]`, 0 where no window has found anything.
        """
        top, bottom = max(y.first, self.y.start), min(y.last, self.y.end)
        if top >= bottom:
            return
        rows = self._layers[:, top - self.y.start : bottom - self.y.start]
        into = into[:, top - y.first : bottom - y.first]
        for number, x in enumerate(self.columns):
            owned = slice(x.first, x.last)
            into[..., owned] = np.roll(rows[..., owned], -number, axis=0)


def layers_of_bands(rows: Iterator[WindowRow], most_rows: int) -> Iterator[np.ndarray]:
    """Yields, for the rows of the picture that each row of windows owns, what all windows found.

    Args:
      rows: from the top. Only those that may see a band are kept.
      most_rows: how many rows of windows see one pixel at most.

    Yields:
      part numbers, int32 `[layers, n, width]`. In the first layer each pixel has the part of the
      window that owns it.
    """
    around = deque([None] * (2 * most_rows - 1), maxlen=2 * most_rows - 1)
    for row in chain(rows, repeat(None, most_rows - 1)):
        around.append(row)
        if around[most_rows - 1] is not None:
            yield _layers_of_middle(list(around), most_rows)


def _layers_of_middle(around: list[WindowRow | None], most_rows: int) -> np.ndarray:
    """Returns the layers of the rows that the middle of `around` owns.

    Of every `most_rows`-th row of windows at most one sees a pixel, so they share layers.
    """
    middle = len(around) // 2
    owner = around[middle]
    y, each = owner.y, owner.num_layers
    layers = np.zeros((most_rows * each, y.last - y.first, owner.columns[-1].end), np.int32)
    for number, row in enumerate(around):
        if row is not None:
            first = (number - middle) % most_rows * each
            row.write_layers(y, layers[first : first + each])
    return layers
