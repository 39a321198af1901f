"""Finds the connected parts of the segments of a map, all segments in one pass."""

from __future__ import annotations

import numpy as np


def connected_parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers the parts of equal value that hang together over sides, not over corners.

    Rows are cut into runs of equal values. Runs that touch in two rows belong to one part.

    Args:
      values: integers `[h, w]`, 0 for void.

    Returns:
      int32 `[h, w]`, part numbers from 1, 0 for void; and the value of each part `[n]`.
    """
    starts = np.ones(values.shape, np.bool_)
    starts[:, 1:] = values[:, 1:] != values[:, :-1]
    runs = np.cumsum(starts.ravel(), dtype=np.int32).reshape(values.shape) - 1
    part_of_run = _join_touching(values, runs, starts)
    value_of_run = values[starts]
    used = value_of_run != 0
    _, first, numbers = np.unique(part_of_run[used], return_index=True, return_inverse=True)
    number_of_run = np.zeros(len(value_of_run), np.int32)
    number_of_run[used] = numbers + 1
    return number_of_run[runs], value_of_run[used][first]


def _join_touching(values: np.ndarray, runs: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Returns the part of each run, counted from 0."""
    # Loading SciPy takes longer than the check of some datasets, and most commands need no parts.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    equal = values[1:] == values[:-1]
    # Between two runs one pair of pixels is enough: the first, where one of the two begins.
    equal &= starts[1:] | starts[:-1]
    upper, lower = runs[:-1][equal], runs[1:][equal]
    count = int(runs[-1, -1]) + 1
    graph = coo_array((np.ones(len(upper), np.bool_), (upper, lower)), shape=(count, count))
    return connected_components(graph, directed=False)[1]
