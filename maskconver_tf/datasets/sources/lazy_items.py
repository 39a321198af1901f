"""Work items made when they are asked for, so that a source holds no more than an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from maskconver_tf.datasets.sources.source import WorkItem


class LazyItems:
    """`count` items; item i is `make(i)`. See `Items`."""

    def __init__(self, count: int, make: Callable[[int], WorkItem]):
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[WorkItem]:
        return self.part(0, self._count)

    def part(self, start: int, stop: int) -> Iterator[WorkItem]:
        return map(self._make, range(start, stop))
