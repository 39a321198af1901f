"""Keeps rows of large maps in a temporary file, compressed."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator

import numpy as np


class BandStore:
    """Bands of rows, in order from the top. A band is one or more int32 maps of any size."""

    def __init__(self):
        self._file = tempfile.TemporaryFile(prefix="maskconver-")  # noqa: SIM115
        self._bands: list[list[tuple[int, tuple[int, ...]]]] = []

    def append(self, *maps: np.ndarray) -> None:
        packed = [zlib.compress(np.ascontiguousarray(each, np.int32), 1) for each in maps]
        self._bands.append([(len(data), each.shape) for data, each in zip(packed, maps)])
        self._file.writelines(packed)

    def bands(self) -> Iterator[list[np.ndarray]]:
        """Yields the maps of each band; they can be read more than once."""
        at = 0
        for maps in self._bands:
            self._file.seek(at)
            at += sum(size for size, _ in maps)
            yield [self._read(size, shape) for size, shape in maps]

    def _read(self, size: int, shape: tuple[int, ...]) -> np.ndarray:
        return np.frombuffer(zlib.decompress(self._file.read(size)), np.int32).reshape(shape)
