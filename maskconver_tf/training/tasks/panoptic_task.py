"""Panoptic segmentation as a task to train."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import ClassVar

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.inference.segmenter import Fusion, PanopticSegmenter, take_outputs
from maskconver_tf.setting_checks import check_objects
from maskconver_tf.training.evaluators.evaluator import EvaluationHooks
from maskconver_tf.training.evaluators.panoptic_evaluator import PanopticEvaluator
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.tasks.records_task import RecordsTask
from maskconver_tf.training.tasks.task import Losses


@dataclasses.dataclass(frozen=True, kw_only=True)
class PanopticTask(RecordsTask):
    """A panoptic model on a `TrainingInput`, scored by panoptic quality on an `EvaluationInput`.

    The model, its loss and its fusion belong together: `MaskConver`, `MaskConverLoss` and
    `PanopticFusion`, or `PanopticDeepLab`, `PanopticDeepLabLoss` and `PanopticGrouping`. `targets`
    makes the `TargetBuilder` from the model's `center_levels`.

    Attributes:
      fusion: turns the model's outputs into the predictions of an evaluation.
    """

    kind = "panoptic segmentation"
    metric, metric_name = "pq", "PQ"
    count_names = ("dropped_segments_per_step",)

    fusion: Fusion

    _references: ClassVar[dict[str, str]] = {
        "model": "@MaskConver",
        "targets": "@TargetBuilder",
        "loss": "@MaskConverLoss()",
        "train_input": "@TrainingInput()",
    }
    _loss_attribute = "names"

    def __post_init__(self):
        super().__post_init__()
        check_objects("PanopticTask", fusion=(self.fusion, "fields", "@PanopticFusion()"))

    def make_targets(self, network: tf_keras.Model) -> Callable[..., dict[str, tf.Tensor]]:
        return self.targets(center_levels=network.center_levels)

    def loss_names(self, network: tf_keras.Model) -> tuple[str, ...]:
        return self.loss.names(network.center_levels)

    def losses(
        self, network: tf_keras.Model, batch: dict[str, tf.Tensor], sum_over_replicas: Callable
    ) -> Losses:
        outputs = network(batch[types.IMAGE], centers=batch, training=True)
        if types.CENTER_HEATMAP_LOGITS in {*outputs} & {*self.loss.fields}:  # Both MaskConver's.
            _check_semantic_branch(outputs, self.loss.fields)
        outputs = take_outputs(outputs, network, self.loss)
        if self.loss.takes_things:
            is_thing = tf.constant(self._is_thing(network.num_classes))
            class_ids = batch[types.SLOT_CLASS_IDS]
            of_slots = tf.gather(is_thing, tf.maximum(class_ids, 0)) & (class_ids >= 0)
            batch = batch | {types.SLOT_IS_THING: of_slots}
        return self.loss(outputs, batch, sum_over_replicas)

    def _is_thing(self, num_classes: int) -> Sequence[bool]:
        """Tells of each class whether it is a thing.

        `preflight` counts a step without the dataset, or for another number of classes. All classes
        are things then: the step is the same.
        """
        with contextlib.suppress(UserError):
            if len(self.categories) == num_classes:
                return self.categories.is_thing
        return [True] * num_classes

    def counts(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"dropped_segments_per_step": tf.reduce_sum(batch[types.NUM_DROPPED])}

    def evaluator(
        self,
        network: tf_keras.Model,
        workers: Workers,
        jit_compile: bool = False,
        hooks: EvaluationHooks | None = None,
    ) -> PanopticEvaluator:
        segmenter = self.segmenter(network, jit_compile)
        return PanopticEvaluator(segmenter, self.eval_input, workers, hooks)

    def segmenter(
        self,
        network: tf_keras.Model,
        jit_compile: bool = False,
        recalibration: Recalibration | None = None,
    ) -> PanopticSegmenter:
        """Joins a network and the fusion, for pictures of the evaluation input."""
        data = self.eval_input
        return PanopticSegmenter(
            network,
            self.fusion,
            data.folder.categories,
            data.input_size,
            jit_compile,
            recalibration,
        )


def _check_semantic_branch(outputs: dict[str, tf.Tensor], fields: Sequence[str]) -> None:
    """Raises `UserError` if only one of model and loss has the semantic branch."""
    has_branch, has_weight = types.SEMANTIC_LOGITS in outputs, types.SEMANTIC_LOGITS in fields
    if has_weight and not has_branch:
        raise UserError(
            "MaskConverLoss.semantic_weight is above 0, but the model has no semantic branch; set "
            "MaskConver.semantic_branch = True, or MaskConverLoss.semantic_weight = 0.0"
        )
    if has_branch and not has_weight:
        raise UserError(
            "MaskConver.semantic_branch is True, but its loss has no weight; set "
            "MaskConverLoss.semantic_weight = 2.0, or MaskConver.semantic_branch = False"
        )
