"""PQ of counts that were added up over pictures."""

from __future__ import annotations

import numpy as np


def mean_pq(totals: np.ndarray) -> np.ndarray | float:
    """PQ, 0..1, of counts `[..., C, 5]`: the mean over the classes that occur; NaN without one."""
    weight = totals[..., 2] + 0.5 * totals[..., 3] + 0.5 * totals[..., 4]
    occurs = weight > 0
    pq = (totals[..., 0] + totals[..., 1]) / np.maximum(weight, 0.5)
    count = occurs.sum(axis=-1)
    mean = np.sum(pq, axis=-1, where=occurs) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)[()]
