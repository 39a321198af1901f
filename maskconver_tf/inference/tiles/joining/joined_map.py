"""Segments a picture in windows, row by row, and joins the windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np

from maskconver_tf.inference.tiles.joining.band_store import BandStore
from maskconver_tf.inference.tiles.joining.found_parts import FoundParts
from maskconver_tf.inference.tiles.joining.overlaps import matching_things
from maskconver_tf.inference.tiles.joining.shown_parts import paint
from maskconver_tf.inference.tiles.joining.window_row import WindowRow, layers_of_bands
from maskconver_tf.inference.tiles.windows import TileSize, most_seen, place_windows

SegmentFunction = Callable[[np.ndarray], Mapping[str, np.ndarray]]


class Rows(Protocol):
    """A picture that is read row by row."""

    height: int
    width: int

    def read(self, start: int, end: int) -> np.ndarray:
        """Returns rows as uint8 `[end - start, width, 3]`."""


class JoinedMap:
    """A panoptic map that is too large to be in memory at once.

    Args:
      parts: what all windows have found.
      layers: the part numbers of each band of rows, see `layers_of_bands`.
      size: height and width.

    Attributes:
      height, width: in pixels.
      segments: highest score first; ids count from 1.
    """

    def __init__(self, parts: FoundParts, layers: BandStore, size: tuple[int, int]):
        self._painted = BandStore()
        self.height, self.width = size
        shown = parts.shown()
        for band in layers.bands():
            self._painted.append(paint(band, shown))
        self.segments, self._id_of_part = parts.segments(self._painted.bands())

    def bands(self) -> Iterator[np.ndarray]:
        """Yields rows of segment ids from the top, int32 `[n, width]`."""
        for band in self._painted.bands():
            yield self._id_of_part[band]

    def whole(self) -> np.ndarray:
        """Returns the map, int32 `[height, width]`."""
        return np.concatenate(list(self.bands()))


def join_windows(
    rows: Rows,
    segment: SegmentFunction,
    is_thing: np.ndarray,
    tile: TileSize,
    on_window: Callable[[], None] = lambda: None,
) -> JoinedMap:
    """Segments a picture in windows and joins them.

    Things that two windows see are joined by what they share, see `matching_things`. One window
    shows a thing whole, see `choose_shown`. Stuff of a class is one segment.

    Args:
      rows: the picture.
      segment: takes uint8 `[h, w, 3]`, returns a finished prediction.
      is_thing: bool `[C]`.
      tile: height, width and overlap of the windows.
      on_window: called after each window.
    """
    parts = FoundParts(is_thing, rows.height, rows.width)
    columns = place_windows(rows.width, tile.width, tile.overlap)
    bands = place_windows(rows.height, tile.height, tile.overlap)

    def window_rows() -> Iterator[WindowRow]:
        above = None
        for y in bands:
            row = WindowRow(y, columns)
            pixels = rows.read(y.start, y.end)
            for number, x in enumerate(columns):
                found = segment(np.ascontiguousarray(pixels[:, x.start : x.end]))
                row.add(*parts.add(found, y, x))
                if number:
                    _join(parts, (row, number - 1), (row, number))
                if above:
                    _join(parts, (above, number), (row, number))
                on_window()
            yield row
            above = row

    store = BandStore()
    for layers in layers_of_bands(window_rows(), most_seen(bands)):
        store.append(layers)
    return JoinedMap(parts, store, (rows.height, rows.width))


def _join(parts: FoundParts, one: tuple[WindowRow, int], other: tuple[WindowRow, int]) -> None:
    """Joins the things of two windows that overlap; each is given by its row and its number."""
    (one_row, one_number), (other_row, other_number) = one, other
    pairs = matching_things(
        one_row.crop(one_number, other_row.y, other_row.columns[other_number]),
        other_row.crop(other_number, one_row.y, one_row.columns[one_number]),
        one_row.parts[one_number],
        other_row.parts[other_number],
    )
    if len(pairs):
        parts.join(pairs)
