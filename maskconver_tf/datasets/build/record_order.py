"""The order in which a build writes the records of a source: random, and the same in every build.

Sources list their pictures by name, class or time. A training that reads them in this order sees
alike pictures together, and a shuffle buffer only mixes neighbors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from maskconver_tf.datasets.sources.source import SourcePicture, SourcePictures

_SEED = 20231206


def record_order(num_pictures: int) -> np.ndarray:
    """Returns the position in the source of each record; int64 `[num_pictures]`, a permutation.

    It depends on the number of pictures alone.
    """
    # NumPy promises that this generator never changes; its newer ones may.
    return np.random.RandomState(_SEED).permutation(num_pictures)


def in_record_order(pictures: SourcePictures) -> SourcePictures:
    """Returns the pictures of a source in the order of records.

    A source without `at` keeps its order: it can only be read from start to end.
    """
    return _Permuted(pictures) if hasattr(pictures, "at") else pictures


class _Permuted:
    """Pictures in record order. See `SourcePictures`."""

    def __init__(self, pictures: SourcePictures):
        self._pictures = pictures
        self._order = record_order(len(pictures))

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[SourcePicture]:
        return self.between(0, len(self))

    def between(self, start: int, stop: int) -> Iterator[SourcePicture]:
        return self._pictures.at(self._order[start:stop].tolist())
