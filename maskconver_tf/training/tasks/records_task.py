"""What the tasks on dataset folders share."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.datasets.records.corrupt_records import explain_corrupt_records
from maskconver_tf.errors import UserError
from maskconver_tf.setting_checks import check_functions
from maskconver_tf.training.tasks.task import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordsTask(Task):
    """A task on a `TrainingInput` and an `EvaluationInput`.

    Attributes:
      targets: makes the builder of labels.
    """

    eval_input_class = "EvaluationInput"

    targets: Callable[..., Any]

    def __post_init__(self):
        super().__post_init__()
        check_functions(type(self).__name__, targets=(self.targets, self._references["targets"]))

    def make_targets(self, network: tf_keras.Model) -> Callable[..., dict[str, tf.Tensor]]:
        """Returns what `TrainingInput.batches` takes; it has a `label_stride`."""
        raise NotImplementedError

    def build_targets(self, network: tf_keras.Model) -> Callable[..., dict[str, tf.Tensor]]:
        """Makes the targets and checks that they fit the network's mask grid.

        Raises:
          UserError: a cell of the mask grid does not hold a whole number of labels.
        """
        targets, stride = self.make_targets(network), 2**network.mask_level
        if targets.label_stride not in [s for s in range(1, stride + 1) if stride % s == 0]:
            raise UserError(
                f"{type(targets).__name__}.label_stride = {targets.label_stride}: expected a "
                f"divisor of {stride}, the input pixels per cell of the masks. Set it to one of "
                f"{[s for s in range(1, stride + 1) if stride % s == 0]}"
            )
        return targets

    def batches(self, network: tf_keras.Model) -> Callable[..., tf.data.Dataset]:
        build_targets = self.build_targets(network)

        def batches(first_step: int, context: tf.distribute.InputContext) -> tf.data.Dataset:
            self._report_left_out()
            return self.train_input.batches(build_targets, first_step, context)

        return batches

    def empty_example(self, network: tf_keras.Model) -> dict[str, tf.Tensor]:
        size = tuple(self.train_input.input_size)
        nothing = functools.partial(tf.zeros, [0])
        build_targets = self.build_targets(network)
        labels = build_targets(tf.zeros(size, tf.int32), nothing(tf.int32), nothing(tf.bool))
        content = {types.CONTENT_SIZE: tf.constant(list(size))}
        return super().empty_example(network) | content | labels

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        return explain_corrupt_records(self.train_input.folder)

    def pictures_of(self, step: int) -> list[dict[str, int | str]]:
        return self.train_input.pictures_of(step)

    def _report_left_out(self) -> None:
        """Prints how many records `skip_corrupt` leaves out, and where the first one is."""
        if corrupt := self.train_input.corrupt_records:
            count = sum(record.num_lost for record in corrupt)
            shard = self.train_input.folder.shard_paths[corrupt[0].shard]
            message = (
                f"{count} records cannot be read and are left out; the first is record "
                f"{corrupt[0].position} of {shard}"
            )
            print(message, file=sys.stderr)
