"""Panoptic segmentation as a task to train."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.losses.maskconver_loss import num_segments
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.setting_checks import check_objects
from maskconver_tf.training.evaluators.evaluator import EvaluationHooks
from maskconver_tf.training.evaluators.panoptic_evaluator import PanopticEvaluator
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.tasks.records_task import RecordsTask
from maskconver_tf.training.tasks.task import Losses


@dataclasses.dataclass(frozen=True, kw_only=True)
class PanopticTask(RecordsTask):
    """MaskConver on a `TrainingInput`, scored by panoptic quality on an `EvaluationInput`.

    `targets` makes the `TargetBuilder` from `center_levels`.

    Attributes:
      fusion: turns proposals into the predictions of an evaluation.
    """

    kind = "panoptic segmentation"
    metric, metric_name = "pq", "PQ"
    count_names = ("dropped_segments_per_step",)

    fusion: PanopticFusion

    _references: ClassVar[dict[str, str]] = {
        "model": "@MaskConver",
        "targets": "@TargetBuilder",
        "loss": "@MaskConverLoss()",
        "train_input": "@TrainingInput()",
    }
    _loss_attribute = "names"

    def __post_init__(self):
        super().__post_init__()
        check_objects("PanopticTask", fusion=(self.fusion, "min_area", "@PanopticFusion()"))

    def make_targets(self, network: tf_keras.Model) -> Callable[..., dict[str, tf.Tensor]]:
        return self.targets(center_levels=network.center_levels)

    def loss_names(self, network: tf_keras.Model) -> tuple[str, ...]:
        return self.loss.names(network.center_levels)

    def losses(
        self, network: tf_keras.Model, batch: dict[str, tf.Tensor], sum_over_replicas: Callable
    ) -> Losses:
        outputs = network(batch[types.IMAGE], centers=batch, training=True)
        return self.loss(outputs, batch, sum_over_replicas)

    def loss_normalizer(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        return num_segments(batch)

    def counts(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"dropped_segments_per_step": tf.reduce_sum(batch[types.NUM_DROPPED])}

    def evaluator(
        self,
        network: tf_keras.Model,
        workers: Workers,
        jit_compile: bool = False,
        hooks: EvaluationHooks | None = None,
    ) -> PanopticEvaluator:
        data = self.eval_input
        categories = data.folder.categories
        segmenter = PanopticSegmenter(
            network, self.fusion, categories, data.input_size, jit_compile
        )
        return PanopticEvaluator(segmenter, data, workers, hooks)
