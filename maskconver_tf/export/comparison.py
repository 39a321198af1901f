"""Compares two panoptic maps of each picture, and adds up how much they differ."""

from __future__ import annotations

import dataclasses

import numpy as np

from maskconver_tf.types import VOID_SEGMENT_ID


@dataclasses.dataclass(frozen=True)
class PlainMap:
    """A panoptic map and the categories of its segments.

    Attributes:
      ids: integers `[h, w]`, `VOID_SEGMENT_ID` for void.
      categories: segment id -> category id, for every segment of the map.
      scores: segment id -> score, for every segment; empty if they do not matter.
    """

    ids: np.ndarray
    categories: dict[int, int]
    scores: dict[int, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Difference:
    """Counts over pictures.

    Attributes:
      pixels: number of pixels.
      equal: pixels that are void in both maps, or belong to matched segments in both.
      segments: number of segments of the first maps.
      unmatched: segments of either map without a match: a segment of the same category in the other
        map, with an intersection over union above one half.
      score: the largest difference of the scores of two matched segments.
    """

    pixels: int = 0
    equal: int = 0
    segments: int = 0
    unmatched: int = 0
    score: float = 0.0

    def add(self, first: PlainMap, second: PlainMap) -> None:
        """Adds the two maps of one picture, which have the same size."""
        pairs, counts = np.unique(
            np.stack([first.ids.reshape(-1), second.ids.reshape(-1)]), axis=1, return_counts=True
        )
        overlaps = {tuple(pair): int(n) for pair, n in zip(pairs.T.tolist(), counts)}
        void = overlaps.get((VOID_SEGMENT_ID, VOID_SEGMENT_ID), 0)
        matched = {pair: n for pair, n in overlaps.items() if _match(pair, overlaps, first, second)}
        self.pixels += first.ids.size
        self.equal += void + sum(matched.values())
        self.segments += len(first.categories)
        self.unmatched += len(first.categories) + len(second.categories) - 2 * len(matched)
        if first.scores and second.scores:
            differences = [abs(first.scores[a] - second.scores[b]) for a, b in matched]
            self.score = max([self.score, *differences])

    @property
    def share_equal(self) -> float:
        """0..1; 1 without pixels."""
        return self.equal / self.pixels if self.pixels else 1.0


def _match(
    pair: tuple[int, int], overlaps: dict[tuple[int, int], int], first: PlainMap, second: PlainMap
) -> bool:
    a, b = pair
    if VOID_SEGMENT_ID in pair or first.categories[a] != second.categories[b]:
        return False
    union = sum(n for (i, j), n in overlaps.items() if i == a or j == b)
    return 2 * overlaps[pair] > union
