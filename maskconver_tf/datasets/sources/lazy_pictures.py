"""Pictures that are made on demand, so that a source keeps only an index in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from maskconver_tf.datasets.sources.source import SourcePicture


class LazyPictures:
    """A sequence of `count` pictures; `make(i)` makes picture i. See `SourcePictures`."""

    def __init__(self, count: int, make: Callable[[int], SourcePicture]):
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[SourcePicture]:
        return self.between(0, self._count)

    def between(self, start: int, stop: int) -> Iterator[SourcePicture]:
        return map(self._make, range(start, stop))
