"""Panoptic segmentation, as a task to train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.losses.maskconver_loss import num_segments
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.tasks.evaluator import Evaluator
from maskconver_tf.training.tasks.records_task import RecordsTask
from maskconver_tf.training.tasks.task import Losses


class PanopticTask(RecordsTask):
    """MaskConver on a `TrainingInput`, scored by panoptic quality on an `EvaluationInput`.

    `targets` makes the `TargetBuilder` from `center_levels`, `fusion` is a `PanopticFusion`.
    """

    kind = "panoptic segmentation"
    required = ("targets", "fusion")
    count_names = ("dropped_segments_per_step",)

    def make_targets(self, network: tf_keras.Model) -> Callable[..., Losses]:
        return self.targets(center_levels=network.center_levels)

    def loss_names(self, network: tf_keras.Model) -> tuple[str, ...]:
        return self.loss.names(network.center_levels)

    def losses(
        self, network: tf_keras.Model, batch: dict[str, tf.Tensor], sum_over_replicas: Callable
    ) -> Losses:
        outputs = network(batch[types.IMAGE], centers=batch, training=True)
        return self.loss(outputs, batch, sum_over_replicas)

    def amount(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        return num_segments(batch)

    def counts(self, batch: dict[str, tf.Tensor]) -> Losses:
        return {"dropped_segments_per_step": tf.reduce_sum(batch[types.NUM_DROPPED])}

    def evaluator(
        self, network: tf_keras.Model, workers: Workers, jit_compile: bool = False, **hooks: Any
    ) -> Evaluator:
        size = self.eval_input.input_size
        segmenter = PanopticSegmenter(network, self.fusion, self.categories, size, jit_compile)
        return Evaluator(segmenter, self.eval_input, self.categories, workers, **hooks)
