"""Adds the brightness of whole pictures to the examples of an evaluation."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.reading import parallel_calls
from maskconver_tf.input import transforms
from maskconver_tf.input.pipeline import EvaluationInput
from maskconver_tf.input.shard_reader import read_serialized_examples

_WEIGHTS, _SHIFT = (19595, 38470, 7471), 16
"""Of red, green and blue in sixteen bits (ITU-R BT.601), as Pillow has them."""


@dataclasses.dataclass(frozen=True)
class WithBrightness:
    """An `EvaluationInput` whose chosen examples also have the field `BRIGHTNESS`.

    Attributes:
      of: the input.
      chosen: whether each example has a brightness; bool `[n]`. The others have an empty one.
    """

    of: EvaluationInput
    chosen: np.ndarray

    @property
    def batch_size(self) -> int:
        return self.of.batch_size

    def examples(self, host: int = 0, hosts: int = 1) -> tf.data.Dataset:
        """Returns the examples of `EvaluationInput.examples` with `BRIGHTNESS`."""
        chosen = tf.constant(self.chosen)

        @tf.autograph.experimental.do_not_convert
        def prepare(number: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            example = codec.decode(codec.parse(serialized))
            whole = example[types.IMAGE]
            image, size = transforms.fit_image(whole, self.of.input_size)
            brightness = tf.cond(
                chosen[number], lambda: _brightness(whole), lambda: tf.zeros([0, 0], tf.uint8)
            )
            return example | {
                types.IMAGE: image,
                types.CONTENT_SIZE: size,
                types.BRIGHTNESS: brightness,
            }

        examples = read_serialized_examples(self.of.folder, self.of.max_examples).enumerate()
        examples = examples.shard(hosts, host).map(prepare, parallel_calls())
        return examples.prefetch(self.of.batch_size)


def _brightness(image: tf.Tensor) -> tf.Tensor:
    """Returns the brightness of a picture, uint8 `[h, w]`, as Pillow's mode "L" has it."""
    weighted = tf.cast(image, tf.int32) * tf.constant(_WEIGHTS)
    rounded = tf.reduce_sum(weighted, -1) + (1 << (_SHIFT - 1))
    return tf.cast(tf.bitwise.right_shift(rounded, _SHIFT), tf.uint8)
