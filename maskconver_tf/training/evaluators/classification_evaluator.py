"""Scores a classifier by top-1 and top-5 accuracy."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

import numpy as np

from maskconver_tf import types
from maskconver_tf.evaluation.top_accuracy import TopAccuracy
from maskconver_tf.input.class_pictures.class_pictures import explain_unreadable_pictures
from maskconver_tf.training.evaluators.evaluator import (
    Example,
    NetworkEvaluator,
    Results,
)


class ClassificationScore:
    """Adds up right predictions."""

    def __init__(self):
        self._accuracy = TopAccuracy()
        self._lock = threading.Lock()

    def add(self, example: Example, prediction: np.ndarray) -> None:
        with self._lock:
            self._accuracy.update(prediction[np.newaxis], np.array([example[types.CLASS_ID]]))

    def results(self, sum_over_workers: Callable[[np.ndarray], np.ndarray]) -> Results:
        """Returns `all`: `top_1` and `top_5` in percent."""
        accuracy = self._accuracy
        counts = sum_over_workers(np.array([*accuracy.num_right, accuracy.num_pictures]))
        *accuracy.num_right, accuracy.num_pictures = counts
        return {"all": {name: 100.0 * value for name, value in accuracy.result().items()}}


class ClassificationEvaluator(NetworkEvaluator):
    """Scores an `ImageClassifier`; a prediction is the logits `[C]` of one picture."""

    metrics = ("top_1", "top_5")

    def infer_batch(self, batch: Sequence[Example]) -> np.ndarray:
        return self.infer(batch)[types.CLASS_LOGITS].numpy()

    def predict_one(self, example: Example, outputs: np.ndarray, position: int) -> np.ndarray:
        return outputs[position]

    def new_score(self) -> ClassificationScore:
        return ClassificationScore()

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        return explain_unreadable_pictures(self.data.folder)
