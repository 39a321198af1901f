"""Keeps the rows of a large map in a temporary file, compressed."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator

import numpy as np


class BandStore:
    """Bands of rows, int32 arrays of any shape, in order from the top."""

    def __init__(self):
        self._file = tempfile.TemporaryFile(prefix="maskconver-")  # noqa: SIM115
        self._bands: list[tuple[int, tuple[int, ...]]] = []

    def append(self, band: np.ndarray) -> None:
        data = zlib.compress(np.ascontiguousarray(band, np.int32), 1)
        self._bands.append((len(data), band.shape))
        self._file.write(data)

    def bands(self) -> Iterator[np.ndarray]:
        """Yields the bands; they can be read more than once."""
        at = 0
        for size, shape in self._bands:
            self._file.seek(at)
            at += size
            yield np.frombuffer(zlib.decompress(self._file.read(size)), np.int32).reshape(shape)
