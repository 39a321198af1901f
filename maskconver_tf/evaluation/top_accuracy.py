"""Top-1 and top-5 accuracy of classification."""

from __future__ import annotations

import numpy as np


class TopAccuracy:
    """Counts pictures whose true class is among the k classes with the highest scores.

    A class with the same score ranks above the true class. A model that gives all classes the same
    score therefore gains nothing.

    Args:
      ks: each k to count. A k above the number of classes counts like that number.

    Attributes:
      num_right: int64, number of right pictures for each of `ks`.
      num_pictures: number of pictures. Both counts of several processes can be added.
    """

    def __init__(self, ks: tuple[int, ...] = (1, 5)):
        self.ks = ks
        self.num_right = np.zeros(len(ks), np.int64)
        self.num_pictures = 0

    def update(self, scores: np.ndarray, class_ids: np.ndarray) -> None:
        """Adds n pictures: scores float `[n, C]` and true classes int `[n]`."""
        own = np.take_along_axis(scores, class_ids[:, None], axis=1)
        rank = (~(scores < own)).sum(axis=1)  # 1 is best; NaN never improves it.
        self.num_right += [(rank <= k).sum() for k in self.ks]
        self.num_pictures += len(class_ids)

    def result(self) -> dict[str, float]:
        """Returns `top_1` and so on, each 0..1; NaN without pictures."""
        count = self.num_pictures or float("nan")
        return {f"top_{k}": float(right / count) for k, right in zip(self.ks, self.num_right)}
