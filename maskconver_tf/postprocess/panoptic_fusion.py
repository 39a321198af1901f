"""Fuses proposals to a panoptic map at original picture size (MaskConver paper, section 3)."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.ops.masks import mask_logits
from maskconver_tf.ops.segments import segment_areas, segment_geometry

ELEMENTS_PER_CHUNK = 2**24
"""Full-size scores in memory at a time (64 MiB), so that memory does not grow with proposals."""


@dataclasses.dataclass(frozen=True)
class PanopticFusion:
    """Gives each pixel to the proposal with the largest score x sigmoid(logit), then cleans up.

    1. Proposals with a score below `score_threshold` are dropped before any mask is made.
    2. Each pixel goes to the best of the remaining proposals.
    3. A segment is dropped if it won fewer than `min_area` pixels, or if the pixels it won are less
       than `overlap_threshold` of its mask above 0.5. Its pixels become void.
    4. Stuff segments of one class become one segment.

    Attributes:
      score_threshold: least score of a proposal, 0..1. Large: 0.2, mobile: 0.01.
      overlap_threshold: least share of a mask that must be won, 0..1. Large: 0.75, mobile: 0.7.
      min_area: least area in pixels of the original picture. Large: 16, mobile: 256.
    """

    score_threshold: float = 0.2
    overlap_threshold: float = 0.75
    min_area: int = 16

    def __call__(
        self,
        proposals: dict[str, tf.Tensor],
        content_size: tf.Tensor,
        image_size: tf.Tensor,
        is_thing: tf.Tensor,
        mask_stride: int,
    ) -> dict[str, tf.Tensor]:
        """Fuses the proposals of one picture.

        Args:
          proposals: `PROPOSAL_SCORES` `[K]`, `PROPOSAL_CLASS_IDS` `[K]`, `MASK_EMBEDDINGS` `[K, D]`
            and `MASK_FEATURES` `[h, w, D]`.
          content_size: int32 `[2]`, size of the picture inside the input, in input pixels.
          image_size: int32 `[2]`, size of the original picture.
          is_thing: bool `[C]`.
          mask_stride: input pixels per cell of the mask grid.

        Returns:
          `PANOPTIC_MAP` `[*image_size]`, and for its n segments `SEGMENT_IDS`, `SEGMENT_CLASS_IDS`,
          `SEGMENT_SCORES`, `SEGMENT_AREAS` and `SEGMENT_BOXES`. The ids are 1..n, the highest score
          first.
        """
        kept = _best_first(proposals[types.PROPOSAL_SCORES], self.score_threshold)
        scores = tf.gather(proposals[types.PROPOSAL_SCORES], kept)  # [n]
        class_ids = tf.gather(proposals[types.PROPOSAL_CLASS_IDS], kept)
        embeddings = tf.gather(proposals[types.MASK_EMBEDDINGS], kept)  # [n, D]
        rows, columns = tf.unstack(-(-content_size // mask_stride))
        features = proposals[types.MASK_FEATURES][:rows, :columns]
        winners, mask_areas = assign_pixels(features, embeddings, scores, image_size)
        areas = segment_areas(winners + 1, tf.size(scores))
        required = tf.cast(mask_areas, tf.float32) * self.overlap_threshold
        alive = (areas >= max(1, self.min_area)) & (tf.cast(areas, tf.float32) >= required)
        numbers = assign_segment_ids(alive, class_ids, is_thing)  # [n]
        panoptic_map = tf.gather(tf.concat([[0], numbers], axis=0), winners + 1)
        return _describe(panoptic_map, numbers, class_ids, scores)


def assign_pixels(
    mask_features: tf.Tensor,
    mask_embeddings: tf.Tensor,
    scores: tf.Tensor,
    image_size: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the best proposal of each pixel, a few full-size masks at a time.

    Args:
      mask_features: `[h, w, D]`, cut to the picture.
      mask_embeddings: `[n, D]`.
      scores: float32 `[n]`.
      image_size: int32 `[2]`.

    Returns:
      int32 `[*image_size]`, the winning proposal of each pixel or -1 for none; int32 `[n]`, the
      area of each proposal's mask above 0.5.
    """
    num_proposals = tf.size(scores)
    chunk = tf.clip_by_value(ELEMENTS_PER_CHUNK // tf.reduce_prod(image_size), 1, 64)

    def add_chunk(start, best_scores, winners, mask_areas):
        part = slice(start, start + chunk)
        logits = mask_logits(mask_features[tf.newaxis], mask_embeddings[tf.newaxis, part])
        logits = tf.image.resize(logits, image_size)[0]  # [H, W, part]
        weighted = scores[part] * tf.sigmoid(logits)
        best = tf.reduce_max(weighted, axis=2)
        index = start + tf.argmax(weighted, axis=2, output_type=tf.int32)
        winners = tf.where(best > best_scores, index, winners)
        areas = tf.reduce_sum(tf.cast(logits > 0.0, tf.int32), axis=[0, 1])
        mask_areas = tf.concat([mask_areas, areas], axis=0)
        return start + chunk, tf.maximum(best, best_scores), winners, mask_areas

    state = (0, tf.zeros(image_size), tf.fill(image_size, -1), tf.zeros([0], tf.int32))
    shapes = (
        tf.TensorShape([]),
        tf.TensorShape([None, None]),
        tf.TensorShape([None, None]),
        tf.TensorShape([None]),
    )
    _, _, winners, mask_areas = tf.while_loop(
        lambda start, *_: start < num_proposals, add_chunk, state, shapes
    )
    return winners, mask_areas


def assign_segment_ids(alive: tf.Tensor, class_ids: tf.Tensor, is_thing: tf.Tensor) -> tf.Tensor:
    """Gives the kept proposals the ids 1, 2, ... in order. Stuff of one class gets the same id.

    Args:
      alive: bool `[n]`.
      class_ids: int `[n]`.
      is_thing: bool `[C]`.

    Returns:
      int32 `[n]`, 0 for a dropped proposal.
    """
    order = tf.range(tf.size(class_ids))
    num_classes = tf.size(is_thing)
    thing = tf.gather(is_thing, class_ids)
    # Each thing has its own key. All stuff of one class has the same key.
    keys = tf.where(thing, num_classes + order, class_ids)
    keys = tf.where(alive, keys, -1)
    first = tf.math.unsorted_segment_min(order, keys, num_classes + tf.size(class_ids))
    leader = tf.gather(first, tf.maximum(keys, 0))
    leads = alive & (leader == order)
    numbers = tf.cumsum(tf.cast(leads, tf.int32))
    return tf.where(alive, tf.gather(numbers, tf.where(alive, leader, 0)), 0)


def _best_first(scores: tf.Tensor, threshold: float) -> tf.Tensor:
    """Positions of the scores not below the threshold, the highest first; int32 `[n]`."""
    count = tf.math.count_nonzero(scores >= threshold, dtype=tf.int32)
    return tf.argsort(scores, direction="DESCENDING", stable=True)[:count]


def _describe(
    panoptic_map: tf.Tensor, numbers: tf.Tensor, class_ids: tf.Tensor, scores: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Returns the finished map, and a row of each field for each segment."""
    num_segments = tf.reduce_max(tf.concat([[0], numbers], axis=0))
    geometry = segment_geometry(panoptic_map, num_segments)
    # Proposals are sorted by score, so the first one of a segment has its highest score.
    position = tf.range(tf.size(numbers))
    first = tf.math.unsorted_segment_min(position, numbers - 1, num_segments)
    return {
        types.PANOPTIC_MAP: panoptic_map,
        types.SEGMENT_IDS: tf.range(1, num_segments + 1),
        types.SEGMENT_CLASS_IDS: tf.gather(class_ids, first),
        types.SEGMENT_SCORES: tf.gather(scores, first),
        types.SEGMENT_AREAS: geometry["areas"],
        types.SEGMENT_BOXES: geometry["boxes"],
    }
