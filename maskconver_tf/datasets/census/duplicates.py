"""Pictures that are there twice: the same file, or the same picture encoded or scaled anew."""

from __future__ import annotations

import collections
from collections.abc import Iterator

import numpy as np

from maskconver_tf.datasets.census.inspection import PRINT_SIDE, Inspection

_MAX_DIFFERENCE = 3.0
"""Mean difference of gray values, 0..255, at which two small copies count as one picture's."""

_MAX_CELL_DIFFERENCE = 12.0
"""Largest difference of one gray value: frames of a film differ more where something moved."""

_MIN_CORRELATION = 0.98
"""Of small copies that are not flat; a foggy picture is not like every other."""

_FLAT = 2.0
"""Standard deviation of gray values under which a small copy has no structure."""

_LATEST = 32
"""Earlier pictures of one print line that a new one is compared with."""


class DuplicateFinder:
    """Finds pairs of equal pictures among any number of pictures.

    Each picture leaves a copy of 16 x 17 gray pixels. Two pictures are compared where one row of
    these rises and falls from pixel to pixel in the same places: what is encoded or scaled anew
    keeps most of the 16 rows. Mirrored and cropped pictures are not found.
    """

    def __init__(self):
        self._digests: dict[bytes, int] = {}
        self._lines: dict[bytes, list[int]] = collections.defaultdict(list)
        self._small: list[bytes] = []

    def add(self, picture: Inspection) -> tuple[int | None, bool]:
        """Adds the next picture.

        Returns:
          The number of an earlier picture that it equals, counted from 0, or None; and whether the
          files are the same to the last byte.
        """
        number = len(self._small)
        small = picture.small.tobytes()
        self._small.append(small)
        earlier = self._digests.setdefault(picture.digest, number)
        if earlier != number:
            return earlier, True
        found = None
        for line in _lines(picture.small):
            numbers = self._lines[line]
            if found is None:
                found = next((i for i in numbers if self._is_like(i, picture.small)), None)
            numbers.append(number)
            del numbers[:-_LATEST]
        return found, False

    def _is_like(self, number: int, small: np.ndarray) -> bool:
        other = np.frombuffer(self._small[number], np.uint8).astype(np.float64)
        this = small.ravel().astype(np.float64)
        difference = np.abs(this - other)
        if difference.mean() > _MAX_DIFFERENCE or difference.max() > _MAX_CELL_DIFFERENCE:
            return False
        if min(this.std(), other.std()) < _FLAT:
            return bool(difference.max() <= _MAX_DIFFERENCE)
        return bool(np.corrcoef(this, other)[0, 1] >= _MIN_CORRELATION)


def _lines(small: np.ndarray) -> Iterator[bytes]:
    """A key for each row: which row, and where its pixels rise."""
    rises = np.packbits(small[:, 1:] > small[:, :-1], axis=1)
    for row in range(PRINT_SIDE):
        yield bytes([row]) + rises[row].tobytes()
