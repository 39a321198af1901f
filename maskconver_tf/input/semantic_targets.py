"""From a segment map to a class for each cell: things and stuff of one class are one."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.input.transforms import pad


@dataclasses.dataclass(frozen=True)
class SemanticTargets:
    """The class of the segment at each cell; `NO_CLASS` where none is.

    A crowd has a class like all else: only its instances are not told apart.

    Attributes:
      label_stride: of the map; divides the mask stride.
    """

    label_stride: int = 2

    def __call__(
        self,
        segment_map: tf.Tensor,
        class_ids: tf.Tensor,
        is_crowd: tf.Tensor,
        input_size: tuple[int, int] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Makes the labels of one example; arguments as of `TargetBuilder`.

        Returns:
          `CLASS_MAP`.
        """
        stride = self.label_stride
        sampled = segment_map[stride // 2 :: stride, stride // 2 :: stride]
        if input_size is not None:
            sampled = pad(sampled, tuple(side // stride for side in input_size))
        classes = tf.cast(tf.concat([[types.NO_CLASS], class_ids], axis=0), tf.int16)
        return {types.CLASS_MAP: tf.gather(classes, tf.cast(sampled, tf.int32))}
