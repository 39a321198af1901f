"""What one class as the answer for every pixel scores: a model below it has learned nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.matching import exact_parts


class ConstantAnswer:
    """Scores one class that fills every picture, for each class; the best one counts.

    It needs only the areas of the segments: such an answer matches a segment if the segment has
    more than half of the labelled pixels.
    """

    def __init__(self, categories: Categories):
        self._names = categories.names
        count = len(categories)
        self._matched = np.zeros(count, np.int64)
        self._iou = np.zeros([2, count])  # Both parts of the sums, see `exact_parts`.
        self._true = np.zeros(count, np.int64)
        self._num_answers = np.zeros(count, np.int64)

    def add(self, class_ids: Any, is_crowd: Any, areas: np.ndarray) -> None:
        """Adds a picture.

        Args:
          class_ids, is_crowd: of its n segments.
          areas: int `[n + 1]`, pixels of void, then of each segment.
        """
        class_ids = np.asarray(class_ids, np.int64)
        counted = ~np.asarray(is_crowd, np.bool_)
        labelled = int(areas[1:].sum())
        np.add.at(self._true, class_ids[counted], 1)
        on_crowd = np.zeros(len(self._true))
        np.add.at(on_crowd, class_ids[~counted], areas[1:][~counted])
        # An answer that lies mostly on void or on a crowd of its class is forgiven.
        forgiven = 2 * (areas[0] + on_crowd) > areas.sum()
        shares = areas[1:] / max(labelled, 1)
        matches = np.flatnonzero(counted & (shares > 0.5))
        self._num_answers += ~forgiven
        for match in matches:
            self._num_answers[class_ids[match]] += forgiven[class_ids[match]]
            self._matched[class_ids[match]] += 1
            self._iou[:, class_ids[match]] += exact_parts(shares[match])

    def result(self) -> dict[str, Any] | None:
        """Returns the best class and its PQ in percent; None without a segment."""
        occurs = self._true > 0
        if not occurs.any():
            return None
        invented = self._num_answers - self._matched
        missed = self._true - self._matched
        weight = self._matched + 0.5 * invented + 0.5 * missed
        quality = np.where(occurs, self._iou.sum(axis=0) / np.maximum(weight, 0.5), 0.0)
        # The answer adds its class to the classes that count.
        classes = occurs.sum() + (~occurs & (invented > 0))
        scores = 100.0 * quality / classes
        best = int(np.argmax(scores))
        return {"class": self._names[best], "pq": float(scores[best])}
