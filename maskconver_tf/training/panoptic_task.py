"""Panoptic segmentation, as a task to train."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.data.corrupt_records import corrupt_records_named
from maskconver_tf.errors import UserError
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.losses.maskconver_loss import num_segments
from maskconver_tf.training.evaluator import Evaluator
from maskconver_tf.training.task import Losses, Task
from maskconver_tf.training.workers import Workers


class PanopticTask(Task):
    """MaskConver on a `TrainingInput`, scored by panoptic quality on an `EvaluationInput`.

    `targets` makes the `TargetBuilder` from `center_levels`, `fusion` is a `PanopticFusion`.
    """

    count_names = ("dropped_segments_per_step",)

    def __post_init__(self):
        for name in ("targets", "fusion"):
            if getattr(self, name) is None:
                raise UserError(
                    f"train needs '{name}' for panoptic segmentation; bind train.{name}"
                )

    def batches(self, network: tf_keras.Model) -> Callable[..., tf.data.Dataset]:
        build_targets = self.targets(center_levels=network.center_levels)

        def batches(first_step: int, context: tf.distribute.InputContext) -> tf.data.Dataset:
            self._report_left_out()
            return self.train_input.batches(build_targets, first_step, context)

        return batches

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

    def reading(self) -> contextlib.AbstractContextManager:
        return corrupt_records_named(self.train_input.folder)

    def pictures_of(self, step: int) -> list[dict[str, int | str]]:
        return self.train_input.pictures_of(step)

    def _report_left_out(self) -> None:
        """Says how many records `skip_corrupt` leaves out, and where the first one is."""
        if corrupt := self.train_input.corrupt_records:
            count = sum(record.num_lost for record in corrupt)
            shard = self.train_input.folder.shard_paths[corrupt[0].shard]
            message = (
                f"{count} records cannot be read and are left out, the first of them record "
                f"{corrupt[0].position} of {shard}"
            )
            print(message, file=sys.stderr)
