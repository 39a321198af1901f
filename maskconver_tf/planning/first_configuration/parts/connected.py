"""Joins items that belong together for one of several reasons."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np


def connected(labelings: Sequence[Sequence[Hashable]]) -> np.ndarray:
    """Joins items that share a label in one of the labelings, directly or through others.

    Args:
      labelings: each gives a label to each item.

    Returns:
      The number of the group of each item, int `[n]`, from 0 without gaps.
    """
    pairs = []
    for labels in labelings:
        first: dict[Hashable, int] = {}
        pairs += [(first.setdefault(label, item), item) for item, label in enumerate(labels)]
    return connect_pairs(len(labelings[0]), pairs)


def connect_pairs(count: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """Joins items that pairs connect, directly or through others; see `connected`."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    roots = np.array([root(item) for item in range(count)], np.int64)
    return np.unique(roots, return_inverse=True)[1]
