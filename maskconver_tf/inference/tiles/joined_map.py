"""Segments a picture in windows, row by row, and joins the windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np

from maskconver_tf.inference.tiles.band_store import BandStore
from maskconver_tf.inference.tiles.found_parts import FoundParts
from maskconver_tf.inference.tiles.overlaps import WindowParts, matching_things
from maskconver_tf.inference.tiles.windows import TileSize, Window, place_windows

SegmentFunction = Callable[[np.ndarray], Mapping[str, np.ndarray]]


class Rows(Protocol):
    """A picture that is read row by row."""

    height: int
    width: int

    def read(self, start: int, end: int) -> np.ndarray:
        """Returns rows as uint8 `[end - start, width, 3]`."""


class JoinedMap:
    """A panoptic map that is too large to be in memory at once.

    Attributes:
      height, width: in pixels.
      segments: highest score first; ids count from 1.
    """

    def __init__(self, store: BandStore, size: tuple[int, int], parts: FoundParts):
        self._store = store
        self.height, self.width = size
        self.segments, self._id_of_part = parts.segments()

    def bands(self) -> Iterator[np.ndarray]:
        """Yields rows of segment ids from the top, int32 `[n, width]`."""
        for band in self._store.bands():
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

    Things that two windows see are joined by what they share, see `matching_things`. Stuff of a
    class is one segment. Each pixel has the segment of the window that owns it.

    Args:
      rows: the picture.
      segment: takes uint8 `[h, w, 3]`, returns a finished prediction.
      is_thing: bool `[C]`.
      tile: height, width and overlap of the windows.
      on_window: called after each window.
    """
    parts = FoundParts(is_thing, rows.height, rows.width)
    store = BandStore()
    columns = place_windows(rows.width, tile.width, tile.overlap)
    above: list[_Seen] = []
    bands = place_windows(rows.height, tile.height, tile.overlap)
    for number, y in enumerate(bands):
        pixels = rows.read(y.start, y.end)
        owned = np.zeros((y.last - y.first, rows.width), np.int32)
        current: list[_Seen] = []
        for x in columns:
            found = segment(np.ascontiguousarray(pixels[:, x.start : x.end]))
            numbered, of_window = parts.add(found, y, x)
            seen = _Seen(y, x, numbered, of_window)
            owned[:, x.first : x.last] = seen.crop(y.first, y.last, x.first, x.last)
            if current:
                _join(parts, current[-1], seen)
                current[-1].keep_rows_below(bands, number)
            if above:
                _join(parts, above[len(current)], seen)
            current.append(seen)
            on_window()
        current[-1].keep_rows_below(bands, number)
        above = current
        store.append(owned)
    return JoinedMap(store, (rows.height, rows.width), parts)


class _Seen:
    """What a window has found, in part numbers."""

    def __init__(self, y: Window, x: Window, numbered: np.ndarray, parts: WindowParts):
        self.top, self.bottom, self.x = y.start, y.end, x
        self.numbered = numbered
        self.parts = parts

    def crop(self, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        """Part numbers of a range of the picture, `[bottom - top, right - left]`."""
        y, x = self.top, self.x.start
        return self.numbered[top - y : bottom - y, left - x : right - x]

    def keep_rows_below(self, bands: list[Window], number: int) -> None:
        """Forgets the rows that no later window sees."""
        if number + 1 < len(bands):
            start = bands[number + 1].start
            self.numbered = self.numbered[start - self.top :].copy()
            self.top = start


def _join(parts: FoundParts, one: _Seen, other: _Seen) -> None:
    """Joins the things of two windows that overlap."""
    top, bottom = max(one.top, other.top), min(one.bottom, other.bottom)
    left, right = max(one.x.start, other.x.start), min(one.x.end, other.x.end)
    box = top, bottom, left, right
    pairs = matching_things(one.crop(*box), other.crop(*box), one.parts, other.parts)
    if len(pairs):
        parts.join(pairs)
