"""Gives the examples of an evaluation with pictures of their original size."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.input.pipeline import EvaluationInput
from maskconver_tf.input.shard_reader import read_serialized_examples


@dataclasses.dataclass(frozen=True)
class WholePictures:
    """An `EvaluationInput` that does not scale its pictures to the model's input.

    Attributes:
      of: the input.
      batch_size: 1, because pictures may be large.
    """

    of: EvaluationInput
    batch_size: int = 1

    @property
    def folder(self) -> DatasetFolder:
        return self.of.folder

    @property
    def num_examples(self) -> int:
        return self.of.num_examples

    @property
    def input_size(self) -> tuple[int, int]:
        return self.of.input_size

    def examples(self, host: int = 0, hosts: int = 1) -> tf.data.Dataset:
        """Returns the examples of `EvaluationInput.examples`, with another `IMAGE`.

        `IMAGE` is uint8 `[h, w, 3]` of the original size, which `CONTENT_SIZE` gives.
        """

        @tf.autograph.experimental.do_not_convert
        def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            example = codec.decode(codec.parse(serialized))
            return example | {types.CONTENT_SIZE: tf.shape(example[types.IMAGE])[:2]}

        examples = read_serialized_examples(self.folder, self.of.max_examples).shard(hosts, host)
        return examples.map(prepare).prefetch(1)
