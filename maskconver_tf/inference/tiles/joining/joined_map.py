"""Segments a picture in windows, row by row, and joins the windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np

from maskconver_tf.inference.tiles.joining.band_store import BandStore
from maskconver_tf.inference.tiles.joining.found_parts import FoundParts
from maskconver_tf.inference.tiles.joining.overlaps import matching_things
from maskconver_tf.inference.tiles.joining.shown_parts import paint
from maskconver_tf.inference.tiles.joining.window_row import Band, Patch, WindowRow, bands_of
from maskconver_tf.inference.tiles.windows import TileSize, Window, most_seen, place_windows

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
      found: what they found in the rows that each row of windows owns.
      size: height and width.

    Attributes:
      height, width: in pixels.
      segments: highest score first; ids count from 1.
    """

    def __init__(self, parts: FoundParts, found: Iterable[Band], size: tuple[int, int]):
        self._painted = BandStore()
        self.height, self.width = size
        shown = parts.shown()
        for band in found:
            self._painted.append(paint(band, shown))
        self.segments, self._id_of_part = parts.segments(self._painted_bands())

    def bands(self) -> Iterator[np.ndarray]:
        """Yields rows of segment ids from the top, int32 `[n, width]`."""
        for band in self._painted_bands():
            yield self._id_of_part[band]

    def whole(self) -> np.ndarray:
        """Returns the map, int32 `[height, width]`."""
        return np.concatenate(list(self.bands()))

    def _painted_bands(self) -> Iterator[np.ndarray]:
        return (painted for (painted,) in self._painted.bands())


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
    lines = place_windows(rows.height, tile.height, tile.overlap)
    window_rows = _segment_rows(rows, segment, parts, (lines, columns), on_window)
    found = _StoredBands(bands_of(window_rows, most_seen(lines)))
    return JoinedMap(parts, found, (rows.height, rows.width))


class _StoredBands:
    """What the windows found, on disk; read again from the top by each loop over it."""

    def __init__(self, bands: Iterable[Band]):
        self._maps = BandStore()
        self._places: list[list[tuple[int, int]]] = []
        for band in bands:
            self._maps.append(band.owned, *(patch.parts for patch in band.patches))
            self._places.append([(patch.top, patch.left) for patch in band.patches])
            del band  # Its patches would keep whole windows while the next row is segmented.

    def __iter__(self) -> Iterator[Band]:
        for (owned, *maps), places in zip(self._maps.bands(), self._places, strict=True):
            patches = [Patch(*place, parts) for place, parts in zip(places, maps, strict=True)]
            yield Band(owned, patches)


def _segment_rows(
    rows: Rows,
    segment: SegmentFunction,
    parts: FoundParts,
    windows: tuple[list[Window], list[Window]],
    on_window: Callable[[], None],
) -> Iterator[WindowRow]:
    """Segments the windows row by row, and joins each with its neighbors on the left and above."""
    above = None
    lines, columns = windows
    for y in lines:
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


def _join(parts: FoundParts, one: tuple[WindowRow, int], other: tuple[WindowRow, int]) -> None:
    """Joins the things of two windows that overlap; each is given by its row and its number."""
    (one_row, one_number), (other_row, other_number) = one, other
    pairs = matching_things(
        one_row.seen_too(one_number, other_row.y, other_row.columns[other_number]),
        other_row.seen_too(other_number, one_row.y, one_row.columns[one_number]),
        one_row.parts[one_number],
        other_row.parts[other_number],
    )
    if len(pairs):
        parts.join(pairs)
