"""Top-1 and top-5 accuracy of classification."""

from __future__ import annotations

import numpy as np


class TopAccuracy:
    """Counts pictures whose class is among the k with the highest scores.

    Where scores are equal the class does not count as the higher one, so that a constant answer
    earns nothing.

    Args:
      ks: which k to count; one larger than the class count is as large as it.

    Attributes:
      num_right: int64, one for each of `ks`.
      num_pictures: all of them. Both may be added up over processes.
    """

    def __init__(self, ks: tuple[int, ...] = (1, 5)):
        self.ks = ks
        self.num_right = np.zeros(len(ks), np.int64)
        self.num_pictures = 0

    def update(self, scores: np.ndarray, class_ids: np.ndarray) -> None:
        """Adds pictures: float `[n, C]` and int `[n]`."""
        own = np.take_along_axis(scores, class_ids[:, None], axis=1)
        rank = (~(scores < own)).sum(axis=1)  # 1 for the best; NaN has no class right.
        self.num_right += [(rank <= k).sum() for k in self.ks]
        self.num_pictures += len(class_ids)

    def result(self) -> dict[str, float]:
        """`top_1` and so on, ratios 0..1; NaN without pictures."""
        count = self.num_pictures or float("nan")
        return {f"top_{k}": float(right / count) for k, right in zip(self.ks, self.num_right)}
