"""Semantic segmentation as a task to train: the stage before panoptic segmentation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import tensorflow as tf
import tf_keras

from maskconver_tf.training.evaluators.evaluator import EvaluationHooks
from maskconver_tf.training.evaluators.semantic_evaluator import SemanticEvaluator
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.tasks.records_task import RecordsTask


@dataclasses.dataclass(frozen=True, kw_only=True)
class SemanticTask(RecordsTask):
    """A `SemanticModel` on a `TrainingInput`, scored by mean IoU on an `EvaluationInput`.

    `targets` makes the `SemanticTargets`. The loss is a `SemanticLoss`.
    """

    kind = "semantic segmentation"
    metric, metric_name = "miou", "mIoU"
    _references: ClassVar[dict[str, str]] = {
        "model": "@SemanticModel",
        "targets": "@SemanticTargets",
        "loss": "@SemanticLoss()",
        "train_input": "@TrainingInput()",
    }

    def make_targets(self, network: tf_keras.Model) -> Callable[..., dict[str, tf.Tensor]]:
        return self.targets()

    def evaluator(
        self,
        network: tf_keras.Model,
        workers: Workers,
        jit_compile: bool = False,
        hooks: EvaluationHooks | None = None,
    ) -> SemanticEvaluator:
        return SemanticEvaluator(network, self.eval_input, workers, jit_compile, hooks)
