"""PQ ceiling: the score of a perfect model, which is limited by slots, strides and fusion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records import codec
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality, PanopticQualityResult
from maskconver_tf.input import transforms
from maskconver_tf.input.targets import TargetBuilder

_LEVEL_BOUNDS = (0.125, 0.25, 0.5, 1.0)
"""Largest half box diagonal of each level but the last, as shares of the input's longer side."""


class Ceiling:
    """Reduces the truth to what a model can express at one input size, and scores the result.

    Three things cost PQ: segments that get no slot (too many segments, a shared center or no cell
    of their own), masks that the grid blurs, and segments that the fusion drops. No model is run.

    Attributes:
      input_size: (height, width).
      num_pictures: number of pictures so far.
      num_dropped: number of their segments without a slot.
    """

    def __init__(
        self,
        categories: Categories,
        input_size: tuple[int, int],
        fuse: Callable[..., dict[str, tf.Tensor]],
        num_slots: int = 248,
        label_stride: int = 2,
        mask_stride: int = 4,
    ):
        """
        Args:
          categories: the class list of the dataset.
          input_size: (height, width), multiples of 32.
          fuse: a `PanopticFusion`.
          num_slots: K, the number of slots.
          label_stride: stride of the slot map; divides `mask_stride`.
          mask_stride: stride of the mask logits.
        """
        self.input_size = input_size
        self.num_pictures = 0
        self.num_dropped = 0
        self._is_thing = categories.is_thing
        self._fuse = fuse
        self._ratio = mask_stride // label_stride
        self._mask_stride = mask_stride
        bounds = tuple(max(input_size) * share for share in _LEVEL_BOUNDS)
        self._targets = TargetBuilder(num_slots, level_bounds=bounds, label_stride=label_stride)
        self._quality = PanopticQuality(len(categories), categories.is_thing)
        signature = [
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None], tf.bool),
        ]
        self._predict = tf.function(self._perfect_prediction, input_signature=signature)

    def add(self, segment_map: np.ndarray, class_ids: np.ndarray, is_crowd: np.ndarray) -> None:
        """Scores one picture.

        Args:
          segment_map: int `[h, w]`, i for the i-th segment (counted from 1), 0 for void.
          class_ids: int `[n]`, contiguous class id of each segment.
          is_crowd: bool `[n]`.
        """
        truth = {
            types.SEGMENT_MAP: np.asarray(segment_map, np.int32),
            types.SEGMENT_CLASS_IDS: np.asarray(class_ids, np.int32),
            types.SEGMENT_IS_CROWD: np.asarray(is_crowd, np.bool_),
        }
        found, num_dropped = self._predict(*truth.values())
        self.num_pictures += 1
        self.num_dropped += int(num_dropped)
        truth_segments = codec.truth_segments(truth)
        # A perfect model predicts the class of the crowd there, which is forgiven. So is void.
        crowds = [segment.id for segment in truth_segments if segment.is_crowd]
        in_crowd = np.isin(truth[types.SEGMENT_MAP], crowds)
        predicted = np.where(in_crowd, types.VOID_SEGMENT_ID, found[types.PANOPTIC_MAP].numpy())
        left = set(np.unique(predicted).tolist())
        self._quality.update(
            truth[types.SEGMENT_MAP],
            truth_segments,
            predicted,
            [segment for segment in types.segments_from_arrays(found) if segment.id in left],
        )

    def result(self) -> PanopticQualityResult:
        """Returns PQ, SQ and RQ, 0..1, over the pictures so far."""
        return self._quality.result()

    def _perfect_prediction(
        self, segment_map: tf.Tensor, class_ids: tf.Tensor, is_crowd: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Fuses perfect proposals: each mask is a label mask and each score is 1.

        Returns:
          The output of the fusion, and the number of segments without a slot.
        """
        image_size = tf.shape(segment_map)
        content_size = transforms.fitted_size(image_size, self.input_size)
        resized = transforms.resize_map(segment_map, content_size)
        missing = tf.constant(self.input_size) - content_size
        padded = tf.pad(resized, [[0, missing[0]], [0, missing[1]]])
        padded = tf.ensure_shape(padded, self.input_size)
        labels = self._targets(padded, class_ids, is_crowd)
        slot_class_ids = labels[types.SLOT_CLASS_IDS]
        present = tf.reduce_sum(tf.cast(slot_class_ids >= 0, tf.int32))
        shares = self._cell_shares(labels[types.SLOT_MAP], present)
        proposals = {
            types.PROPOSAL_SCORES: tf.ones([present]),
            types.PROPOSAL_CLASS_IDS: slot_class_ids[:present],
            types.MASK_EMBEDDINGS: 20.0 * tf.eye(present),
            types.MASK_FEATURES: shares - 0.5,
        }
        is_thing = tf.constant(self._is_thing)
        found = self._fuse(proposals, content_size, image_size, is_thing, self._mask_stride)
        return found, labels[types.NUM_DROPPED]

    def _cell_shares(self, slot_map: tf.Tensor, num_slots: tf.Tensor) -> tf.Tensor:
        """Returns the share of each slot in each mask cell; float32 `[h, w, num_slots]`."""
        one_hot = tf.one_hot(tf.cast(slot_map, tf.int32) - 1, num_slots)  # Zeros where void.
        return tf.nn.avg_pool2d(one_hot[tf.newaxis], self._ratio, self._ratio, "VALID")[0]
