"""Compares the PQ of a model with what plain answers score on the same pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.codec import truth_segments
from maskconver_tf.evaluation.baselines.constant_answer import ConstantAnswer
from maskconver_tf.evaluation.baselines.threshold_answer import ThresholdAnswer
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality

MOST_PICTURES = 100
"""Pictures that the threshold is scored on, so that it takes seconds at most."""

_MOST_PIXELS = 2**24
"""Of a picture that the threshold is scored on; its parts take 30 bytes a pixel."""

Example = dict[str, np.ndarray]


class ModelComparison:
    """Scores the constant answer on all pictures, and a threshold on evenly spread ones.

    Args:
      categories: the class list.
      num_pictures: pictures of the evaluation.
      brightness_of: returns the brightness of a chosen picture, uint8 `[h, w]` in the size of the
        truth, from its example.
    """

    def __init__(
        self,
        categories: Categories,
        num_pictures: int,
        brightness_of: Callable[[Example], np.ndarray],
    ):
        self._chosen = chosen_pictures(num_pictures)
        self._brightness_of = brightness_of
        self._constant, self._threshold = ConstantAnswer(categories), ThresholdAnswer(categories)
        self._quality = PanopticQuality(len(categories), categories.is_thing)
        self._num_segments = np.zeros(len(categories), np.int64)

    def add(
        self,
        index: int,
        example: Example,
        prediction: tuple[np.ndarray, list[types.Segment]],
    ) -> None:
        """Adds a picture with its prediction.

        Args:
          index: number of the picture in the evaluation.
          example: the truth, and what `brightness_of` reads.
          prediction: integer map `[h, w]` and its segments.
        """
        segment_map = example[types.SEGMENT_MAP]
        truth = example[types.SEGMENT_CLASS_IDS], example[types.SEGMENT_IS_CROWD]
        areas = np.bincount(segment_map.ravel(), minlength=len(truth[0]) + 1)
        self._constant.add(*truth, areas)
        np.add.at(self._num_segments, truth[0], 1)
        if self._chosen[index] and segment_map.size <= _MOST_PIXELS:
            self._threshold.add(self._brightness_of(example), segment_map, *truth)
            self._quality.update(segment_map, truth_segments(example), *prediction)

    def results(self, model: dict[str, Any]) -> dict[str, Any]:
        """Returns the scores of both answers beside those of the model.

        Args:
          model: `all`, with `pq` in percent or None, of the model on all pictures.

        Returns:
          `constant` and `threshold`, as `docs/evaluation.md` describes them; each may be None.
        """
        return {"constant": self._of_constant(model), "threshold": self._of_threshold()}

    def _of_constant(self, model: dict[str, Any]) -> dict[str, Any] | None:
        found = self._constant.result()
        if found is None:
            return None
        pq = model["all"]["pq"]
        return found | {"model_pq": pq, "model_is_better": pq > found["pq"]}

    def _of_threshold(self) -> dict[str, Any] | None:
        found = self._threshold.result(self._num_segments)
        if found is None:
            return None
        quality = self._quality.result()
        scores = {"pq": _percent(quality.all.pq), "pq_things": _percent(quality.things.pq)}
        # A threshold that finds nothing tells nothing about the model.
        better = all(found[name] == 0 or scores[name] > found[name] for name in scores)
        models = {f"model_{name}": score for name, score in scores.items()}
        return found | models | {"model_is_better": better}


def chosen_pictures(num_pictures: int) -> np.ndarray:
    """Tells of each picture whether the threshold is scored on it; bool `[n]`, evenly spread."""
    chosen = np.zeros(num_pictures, np.bool_)
    count = min(num_pictures, MOST_PICTURES)
    chosen[[i * num_pictures // count for i in range(count)]] = True
    return chosen


def _percent(quality: float) -> float:
    """Of a group that occurs nowhere, 0."""
    return 0.0 if math.isnan(quality) else 100.0 * float(quality)
