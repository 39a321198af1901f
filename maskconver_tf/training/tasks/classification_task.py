"""Image classification as a task to train: the first stage."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import ClassVar

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.input.class_pictures.class_pictures import explain_unreadable_pictures
from maskconver_tf.training.evaluators.classification_evaluator import ClassificationEvaluator
from maskconver_tf.training.evaluators.evaluator import EvaluationHooks
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.tasks.task import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassificationTask(Task):
    """An `ImageClassifier` on a `ClassificationInput`, scored by accuracy on a
    `ClassificationEvaluation`. The loss is a `ClassificationLoss`."""

    kind = "classification"
    metric, metric_name = "top_1", "top-1"
    eval_input_class = "ClassificationEvaluation"
    _references: ClassVar[dict[str, str]] = {
        "model": "@ImageClassifier",
        "loss": "@ClassificationLoss()",
        "train_input": "@ClassificationInput()",
    }

    def batches(self, network: tf_keras.Model) -> Callable[..., tf.data.Dataset]:
        return self.train_input.batches

    def empty_example(self, network: tf_keras.Model) -> dict[str, tf.Tensor]:
        return super().empty_example(network) | {types.CLASS_ID: tf.constant(0)}

    def evaluator(
        self,
        network: tf_keras.Model,
        workers: Workers,
        jit_compile: bool = False,
        hooks: EvaluationHooks | None = None,
    ) -> ClassificationEvaluator:
        return ClassificationEvaluator(network, self.eval_input, workers, jit_compile, hooks)

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        return explain_unreadable_pictures(self.train_input.folder)

    def pictures_of(self, step: int) -> list[dict[str, str]]:
        return self.train_input.pictures_of(step)
