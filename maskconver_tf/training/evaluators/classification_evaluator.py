"""Scores a classifier by top-1 and top-5 accuracy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tf_keras

from maskconver_tf import types
from maskconver_tf.evaluation.top_accuracy import TopAccuracy
from maskconver_tf.input.class_pictures.class_pictures import explain_unreadable_pictures
from maskconver_tf.input.classification_input import ClassificationEvaluation
from maskconver_tf.training.evaluators.evaluator import (
    EvaluationHooks,
    Evaluator,
    Example,
    Results,
    inference_over_replicas,
    stack_images,
)
from maskconver_tf.training.machines.workers import Workers


class ClassificationScore:
    """Adds up right predictions."""

    def __init__(self):
        self._accuracy = TopAccuracy()

    def add(self, example: Example, prediction: np.ndarray) -> None:
        self._accuracy.update(prediction[np.newaxis], np.array([example[types.CLASS_ID]]))

    def results(self, sum_over_workers: Callable[[np.ndarray], np.ndarray]) -> Results:
        """Returns `all`: `top_1` and `top_5` in percent."""
        accuracy = self._accuracy
        counts = sum_over_workers(np.array([*accuracy.num_right, accuracy.num_pictures]))
        *accuracy.num_right, accuracy.num_pictures = counts
        return {"all": {name: 100.0 * value for name, value in accuracy.result().items()}}


class ClassificationEvaluator(Evaluator):
    """Scores an `ImageClassifier`; a prediction is the logits `[C]` of one picture.

    Args:
      network: built.
      data: see `Evaluator`.
      workers: see `Evaluator`.
      jit_compile: compile the network with XLA.
      hooks: see `Evaluator`.
    """

    metrics = ("top_1", "top_5")

    def __init__(
        self,
        network: tf_keras.Model,
        data: ClassificationEvaluation,
        workers: Workers,
        jit_compile: bool = False,
        hooks: EvaluationHooks | None = None,
    ):
        super().__init__(data, workers, hooks)
        self._infer = inference_over_replicas(network, data.input_size, workers, jit_compile)

    def predict_batch(self, batch: Sequence[Example]) -> Iterator[np.ndarray]:
        yield from self._infer(stack_images(batch))[types.CLASS_LOGITS].numpy()

    def new_score(self) -> ClassificationScore:
        return ClassificationScore()

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        return explain_unreadable_pictures(self.data.folder)
