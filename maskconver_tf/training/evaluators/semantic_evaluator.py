"""Scores semantic segmentation by mean IoU, at original picture size."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.corrupt_records import explain_corrupt_records
from maskconver_tf.evaluation.mean_iou import MeanIou, MeanIouResult
from maskconver_tf.postprocess.class_map import class_map
from maskconver_tf.training.evaluators.comparison import draw_comparison
from maskconver_tf.training.evaluators.evaluator import (
    Example,
    NetworkEvaluator,
    Results,
)


class SemanticScore:
    """Adds up the confusion of classes over pixels."""

    def __init__(self, categories: Categories):
        self._categories = categories
        self._quality = MeanIou(len(categories))
        self._lock = threading.Lock()

    def add(self, example: Example, prediction: np.ndarray) -> None:
        picture = MeanIou(len(self._categories))
        picture.update(true_classes(example), prediction)
        with self._lock:
            self._quality.confusion += picture.confusion

    def results(self, sum_over_workers: Callable[[np.ndarray], np.ndarray]) -> Results:
        confusion = sum_over_workers(self._quality.confusion)
        self._quality.confusion = np.rint(confusion).astype(np.int64)
        return results_of(self._quality.result(), self._categories)


class SemanticEvaluator(NetworkEvaluator):
    """Scores a `SemanticModel` on an `EvaluationInput`; predicts class maps int32 `[h, w]`."""

    metrics = ("miou", "pixel_accuracy")
    class_metric = "iou"

    def infer_batch(self, batch: Sequence[Example]) -> np.ndarray:
        return self.infer(batch)[types.SEMANTIC_LOGITS].numpy()

    def predict_one(self, example: Example, outputs: np.ndarray, position: int) -> np.ndarray:
        sizes = map(tf.constant, (example[types.CONTENT_SIZE], example[types.IMAGE_SIZE]))
        return class_map(outputs[position], *sizes, 2**self.network.mask_level).numpy()

    def new_score(self) -> SemanticScore:
        return SemanticScore(self.categories)

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        return explain_corrupt_records(self.data.folder)

    def draw_row(self, example: Example, prediction: np.ndarray) -> np.ndarray:
        true = true_classes(example)
        pairs = [(classes + 1, _class_segments(classes)) for classes in (true, prediction)]
        return draw_comparison(example, *pairs, self.categories)


def true_classes(example: Example) -> np.ndarray:
    """Returns the class of each pixel of a decoded record, int32 `[h, w]`; `NO_CLASS` for void."""
    classes = np.concatenate([[types.NO_CLASS], example[types.SEGMENT_CLASS_IDS]]).astype(np.int32)
    return classes[example[types.SEGMENT_MAP]]


def _class_segments(classes: np.ndarray) -> list[types.Segment]:
    """Makes one segment of each class in a map; its id is the class id plus one."""
    return [types.Segment(id=int(c) + 1, class_id=int(c)) for c in np.unique(classes) if c >= 0]


def results_of(result: MeanIouResult, categories: Categories) -> Results:
    """Returns the scores in percent.

    Returns:
      `all`: `miou` and `pixel_accuracy`. `things`, `stuff`: `miou`. A group without a class that
      occurs is left out. `per_class`: `iou`; None for a class that occurs in neither truth nor
      prediction.
    """
    groups = {
        "all": np.ones(len(categories), np.bool_),
        "things": categories.is_thing,
        "stuff": ~categories.is_thing,
    }
    scores: Results = {
        name: {"miou": 100.0 * float(np.nanmean(result.iou[group]))}
        for name, group in groups.items()
        if not np.isnan(result.iou[group]).all()
    }
    if scores:
        scores["all"]["pixel_accuracy"] = 100.0 * result.pixel_accuracy
    iou = [None if np.isnan(value) else 100.0 * float(value) for value in result.iou]
    per_class = {name: {"iou": value} for name, value in zip(categories.names, iou)}
    return scores | {"per_class": per_class}
