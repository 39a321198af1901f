"""The fusion as its definition reads: every product of every pixel. Slow; the tests' oracle."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.ops.segments import segment_areas, segment_geometry
from maskconver_tf.postprocess.candidates import candidates

ELEMENTS_PER_CHUNK = 2**24
VECTOR = 64


@dataclasses.dataclass(frozen=True)
class PlainFusion:
    """`PanopticFusion`, with the same settings and the same call."""

    score_threshold: float = 0.2
    overlap_threshold: float = 0.75
    min_area: int = 16
    stuff_score_threshold: float | None = None
    mask_quality: bool = False
    runner_up: bool = False
    stuff_overlap_threshold: float | None = None

    def __call__(self, proposals, content_size, image_size, is_thing, mask_stride):
        rows, columns = tf.unstack(-(-content_size // mask_stride))
        features = proposals[types.MASK_FEATURES][:rows, :columns]
        stuff = self.stuff_score_threshold
        stuff = self.score_threshold if stuff is None else stuff
        least = tf.where(is_thing, self.score_threshold, stuff)
        kept, scores, logits = candidates(
            proposals, features, content_size, least, self.mask_quality
        )
        class_ids = tf.gather(proposals[types.PROPOSAL_CLASS_IDS], kept)
        winners, mask_areas = assign_pixels(logits, scores, image_size)
        areas = segment_areas(winners + 1, tf.size(scores))
        of_stuff = self.stuff_overlap_threshold
        of_stuff = self.overlap_threshold if of_stuff is None else of_stuff
        shares = tf.where(tf.gather(is_thing, class_ids), self.overlap_threshold, of_stuff)
        required = tf.cast(mask_areas, tf.float32) * shares
        alive = (areas >= max(1, self.min_area)) & (tf.cast(areas, tf.float32) >= required)
        alive &= mask_areas > 0
        if self.runner_up:
            scores = tf.where(alive, scores, 0.0)
            winners, _ = assign_pixels(logits, scores, image_size)
        numbers = number_segments(alive, class_ids, is_thing)
        panoptic_map = tf.gather(tf.concat([[0], numbers], axis=0), winners + 1)
        return describe(panoptic_map, numbers, class_ids, scores)


def assign_pixels(logits, scores, image_size):
    """The best proposal of each pixel, -1 for none, and the area of each mask above 0.5."""
    num_proposals = tf.size(scores)
    chunk = tf.clip_by_value(ELEMENTS_PER_CHUNK // tf.reduce_prod(image_size), 1, 64)

    def add_chunk(start, best_scores, winners, mask_areas):
        part = slice(start, start + chunk)
        resized = tf.image.resize(logits[tf.newaxis, ..., part], image_size)[0]  # [H, W, part]
        weighted = scores[part] * aligned_sigmoid(resized)
        best = tf.reduce_max(weighted, axis=2)
        index = start + tf.argmax(weighted, axis=2, output_type=tf.int32)
        winners = tf.where(best > best_scores, index, winners)
        areas = tf.reduce_sum(tf.cast(resized > 0.0, tf.int32), axis=[0, 1])
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


def aligned_sigmoid(logits):
    """TensorFlow computes the last elements of a tensor by another formula; padding takes them."""
    size = tf.size(logits)
    padded = tf.pad(tf.reshape(logits, [-1]), [[0, -size % VECTOR]])
    return tf.reshape(tf.sigmoid(padded)[:size], tf.shape(logits))


def number_segments(alive, class_ids, is_thing):
    """Ids 1, 2, ... in order; stuff of one class shares the id of its first proposal."""
    order = tf.range(tf.size(class_ids))
    thing = tf.gather(is_thing, class_ids)
    same = (class_ids[:, tf.newaxis] == class_ids) & ~thing & alive & alive[:, tf.newaxis]
    same |= tf.eye(tf.size(order), dtype=tf.bool)
    leader = tf.reduce_min(tf.where(same, order, tf.size(order)), axis=1)
    numbers = tf.cumsum(tf.cast(alive & (leader == order), tf.int32))
    return tf.where(alive, tf.gather(numbers, leader), 0)


def describe(panoptic_map, numbers, class_ids, scores):
    """The finished map, and a row of each field for each segment."""
    num_segments = tf.reduce_max(tf.concat([[0], numbers], axis=0))
    geometry = segment_geometry(panoptic_map, num_segments)
    first = tf.math.unsorted_segment_min(tf.range(tf.size(numbers)), numbers - 1, num_segments)
    return {
        types.PANOPTIC_MAP: panoptic_map,
        types.SEGMENT_IDS: tf.range(1, num_segments + 1),
        types.SEGMENT_CLASS_IDS: tf.gather(class_ids, first),
        types.SEGMENT_SCORES: tf.gather(scores, first),
        types.SEGMENT_AREAS: geometry["areas"],
        types.SEGMENT_BOXES: geometry["boxes"],
    }
