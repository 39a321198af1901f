"""Makes semantic labels: the class of each cell, from a segment map."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.input.transforms import pad_to_canvas
from maskconver_tf.setting_checks import check_whole_numbers


@dataclasses.dataclass(frozen=True)
class SemanticTargets:
    """Gives each cell the class of its segment, or `NO_CLASS` if it has none.

    Crowds count like other segments: their class is known, although their instances are not
    separated.

    Attributes:
      label_stride: stride of the class map; divides the mask stride.
    """

    label_stride: int = 2

    def __post_init__(self):
        check_whole_numbers("SemanticTargets", 1, label_stride=self.label_stride)

    def __call__(
        self,
        segment_map: tf.Tensor,
        class_ids: tf.Tensor,
        is_crowd: tf.Tensor,
        input_size: tuple[int, int] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Makes the labels of one example; for the arguments see `TargetBuilder`.

        Returns:
          `CLASS_MAP`.
        """
        stride = self.label_stride
        sampled = segment_map[stride // 2 :: stride, stride // 2 :: stride]
        if input_size is not None:
            sampled = pad_to_canvas(sampled, tuple(side // stride for side in input_size))
        classes = tf.cast(tf.concat([[types.NO_CLASS], class_ids], axis=0), tf.int16)
        return {types.CLASS_MAP: tf.gather(classes, tf.cast(sampled, tf.int32))}
