"""Finds pictures that a dataset has twice: equal files, and re-encoded or scaled pictures."""

from __future__ import annotations

import collections
from collections.abc import Iterator

import numpy as np

from maskconver_tf.datasets.census.measure_picture import THUMBNAIL_SIDE, PictureMeasures

_MAX_DIFFERENCE = 3.0
"""Largest mean difference of gray values, 0..255, of the thumbnails of equal pictures."""

_MAX_CELL_DIFFERENCE = 12.0
"""Largest allowed difference of one gray value. Frames of a film differ more where things moved."""

_MIN_CORRELATION = 0.98
"""Least correlation of two thumbnails that are not flat. It tells foggy pictures apart."""

_FLAT = 2.0
"""Standard deviation of gray values below which a thumbnail counts as flat."""

_LATEST = 32
"""A new picture is compared with at most this many earlier pictures per row key."""


class DuplicateFinder:
    """Finds pairs of equal pictures among any number of pictures.

    The finder keeps a thumbnail of 16 x 17 gray pixels per picture. It compares two pictures if one
    row of their thumbnails rises and falls in the same places, from pixel to pixel. A picture that
    was re-encoded or scaled keeps most of the 16 rows. Mirrored and cropped pictures are not found.
    """

    def __init__(self):
        self._hashes: dict[bytes, int] = {}
        self._by_row: dict[bytes, list[int]] = collections.defaultdict(list)
        self._thumbnails: list[bytes] = []

    def add(self, picture: PictureMeasures) -> tuple[int | None, bool]:
        """Adds the next picture.

        Returns:
          The number of an earlier, equal picture, counted from 0, or None; and whether both files
          are equal byte for byte.
        """
        number = len(self._thumbnails)
        thumbnail = picture.thumbnail.tobytes()
        self._thumbnails.append(thumbnail)
        earlier = self._hashes.setdefault(picture.file_sha256, number)
        if earlier != number:
            return earlier, True
        found = None
        for key in _row_keys(picture.thumbnail):
            numbers = self._by_row[key]
            if found is None:
                found = next((i for i in numbers if self._is_like(i, picture.thumbnail)), None)
            numbers.append(number)
            del numbers[:-_LATEST]
        return found, False

    def _is_like(self, number: int, thumbnail: np.ndarray) -> bool:
        other = np.frombuffer(self._thumbnails[number], np.uint8).astype(np.float64)
        this = thumbnail.ravel().astype(np.float64)
        difference = np.abs(this - other)
        if difference.mean() > _MAX_DIFFERENCE or difference.max() > _MAX_CELL_DIFFERENCE:
            return False
        if min(this.std(), other.std()) < _FLAT:
            return bool(difference.max() <= _MAX_DIFFERENCE)
        return bool(np.corrcoef(this, other)[0, 1] >= _MIN_CORRELATION)


def _row_keys(thumbnail: np.ndarray) -> Iterator[bytes]:
    """Yields a key for each row: its number, and which pixels are brighter than the pixel left."""
    rises = np.packbits(thumbnail[:, 1:] > thumbnail[:, :-1], axis=1)
    for row in range(THUMBNAIL_SIDE):
        yield bytes([row]) + rises[row].tobytes()
