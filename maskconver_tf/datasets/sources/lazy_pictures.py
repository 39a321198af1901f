"""Pictures that are made on demand, so that a source keeps only an index in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from maskconver_tf.datasets.sources.source import SourcePicture, SourcePictures


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
        return self.at(range(start, stop))

    def at(self, positions: Iterable[int]) -> Iterator[SourcePicture]:
        """Yields the pictures at `positions`, in this order."""
        return map(self._make, positions)


class PicturesWith:
    """The pictures of a source with other attributes, such as `max_pixels`."""

    def __init__(self, pictures: SourcePictures, **changes: Any):
        self._pictures = pictures
        self._changes = changes
        if hasattr(pictures, "at"):
            self.at = self._at

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[SourcePicture]:
        return self.between(0, len(self))

    def between(self, start: int, stop: int) -> Iterator[SourcePicture]:
        for picture in self._pictures.between(start, stop):
            yield self._changed(picture)

    def _at(self, positions: Iterable[int]) -> Iterator[SourcePicture]:
        return map(self._changed, self._pictures.at(positions))

    def _changed(self, picture: SourcePicture) -> SourcePicture:
        return dataclasses.replace(picture, **self._changes)
