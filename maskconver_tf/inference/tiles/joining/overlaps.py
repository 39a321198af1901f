"""Decides which segments of two windows are one thing, by what both see in their overlap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.inference.connected_parts import connected_parts

_LEAST = 0.5
"""Two things are one if their IoU, or the share of one in the other, is above it."""


class WindowParts(NamedTuple):
    """The segments that one window has found.

    Attributes:
      base: the part number of its first segment.
      class_ids: int `[n]`.
      is_thing: bool `[n]`.
      is_cut: bool `[n]`: the segment reaches an edge of the window that is not one of the picture,
        so the window may see only a piece of it.
    """

    base: int
    class_ids: np.ndarray
    is_thing: np.ndarray
    is_cut: np.ndarray

    def of(self, parts: np.ndarray) -> WindowParts:
        """Picks the values of part numbers."""
        at = parts - self.base
        return WindowParts(self.base, self.class_ids[at], self.is_thing[at], self.is_cut[at])


def matching_things(
    one: np.ndarray, other: np.ndarray, one_parts: WindowParts, other_parts: WindowParts
) -> np.ndarray:
    """Returns the pairs of parts that are one thing.

    Two things of one class are one in three cases. (1) Their IoU in the overlap is above 0.5. (2) A
    window sees one of them whole and the other window cuts the other one, which lies mostly in the
    first. (3) Both are cut, and a connected piece of one has an IoU above 0.5 with a piece of the
    other. So a thing that two windows cut into different pieces becomes one again, and two things
    that one window sees whole and apart stay apart.

    Args:
      one, other: part numbers of two windows in the pixels that both see, int `[h, w]`, 0 for void.
      one_parts, other_parts: the segments of the windows.

    Returns:
      int64 `[m, 2]`, part numbers.
    """
    one, other = _only_things(one, one_parts), _only_things(other, other_parts)
    pairs, common, one_area, other_area = _count(one, other)
    if not len(pairs):
        return pairs
    first, second = one_parts.of(pairs[:, 0]), other_parts.of(pairs[:, 1])
    same_class = first.class_ids == second.class_ids
    is_one = common > _LEAST * (one_area + other_area - common)
    is_one |= first.is_cut & ~second.is_cut & (common > _LEAST * one_area)
    is_one |= second.is_cut & ~first.is_cut & (common > _LEAST * other_area)
    both_cut = first.is_cut & second.is_cut & same_class & ~is_one
    found = [pairs[is_one & same_class]]
    if both_cut.any():
        found.append(_matching_pieces(one, other, pairs[both_cut]))
    return np.unique(np.concatenate(found), axis=0)


def _matching_pieces(one: np.ndarray, other: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Returns the pairs of `candidates` in which connected pieces of the two match."""
    one_pieces, one_part = connected_parts(np.where(np.isin(one, candidates[:, 0]), one, 0))
    other_pieces, other_part = connected_parts(np.where(np.isin(other, candidates[:, 1]), other, 0))
    pairs, common, one_area, other_area = _count(one_pieces, other_pieces)
    pairs = pairs[common > _LEAST * (one_area + other_area - common)]
    found = np.stack([one_part[pairs[:, 0] - 1], other_part[pairs[:, 1] - 1]], axis=1)
    allowed = set(map(tuple, candidates.tolist()))
    kept = [pair for pair in found.tolist() if tuple(pair) in allowed]
    return np.array(kept, np.int64).reshape(-1, 2)


def _only_things(parts: np.ndarray, of: WindowParts) -> np.ndarray:
    is_kept = np.zeros(len(of.class_ids) + 1, np.bool_)
    is_kept[1:] = of.is_thing
    return np.where(is_kept[np.maximum(parts - of.base + 1, 0)], parts, 0)


def _count(
    one: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns pairs that share pixels, their common pixels, and the area of each of the two."""
    one, other = one.ravel().astype(np.int64), other.ravel().astype(np.int64)
    both = (one > 0) & (other > 0)
    shift = np.int64(2**31)
    keys, common = np.unique(one[both] * shift + other[both], return_counts=True)
    pairs = np.stack([keys // shift, keys % shift], axis=1)
    areas = []
    for values, wanted in ((one, pairs[:, 0]), (other, pairs[:, 1])):
        numbers, counts = np.unique(values[values > 0], return_counts=True)
        areas.append(counts[np.searchsorted(numbers, wanted)])
    return pairs, common, *areas
