"""Fuses proposals to a panoptic map of the input size, in operations that LiteRT has.

`postprocess.panoptic_fusion` has the rules. Here every output has a fixed shape.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.export.litert.patch_contest import cut_patches, mask_areas, winners
from maskconver_tf.inference import signatures
from maskconver_tf.postprocess.candidates import mask_qualities
from maskconver_tf.postprocess.class_thresholds import least_scores
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion, of_groups
from maskconver_tf.postprocess.score_curves import ScoreCurves, recalibrated


def fuse_at_input_size(
    proposals: dict[str, tf.Tensor],
    fusion: PanopticFusion,
    is_thing: np.ndarray,
    source_ids: np.ndarray,
    stride: int,
    curves: ScoreCurves | None = None,
) -> dict[str, tf.Tensor]:
    """Fuses the proposals of one picture that fills the input.

    Args:
      proposals: the fields of `PanopticFusion`, without a batch axis.
      fusion: holds the thresholds.
      is_thing: bool `[C]`.
      source_ids: int32 `[C]`, the dataset's category ids.
      stride: input pixels per cell of the mask grid, even.
      curves: recalibrates the scores of the segments; None keeps them.

    Returns:
      Fields of `signatures`: `PANOPTIC_MAP` int32 `[H, W]`; `NUM_SEGMENTS` int32 scalar n; and with
      K rows each, 0 after the first n: `SEGMENT_IDS`, `CATEGORY_IDS`, `SCORES`, `AREAS`, `BOXES`.
    """
    scores, class_ids = proposals[types.PROPOSAL_SCORES], proposals[types.PROPOSAL_CLASS_IDS]
    logits = _mask_logits(proposals)
    least = tf.gather(class_thresholds(fusion, is_thing), class_ids)
    valid = scores >= least
    if fusion.mask_quality:
        scores = tf.where(valid, scores * mask_qualities(logits), 0.0)
        valid &= scores >= least
        scores, order = tf.math.top_k(scores, scores.shape[0])
        class_ids, valid = tf.gather(class_ids, order), tf.gather(valid, order)
        logits = tf.gather(logits, order, axis=2)
    patches = cut_patches(logits, stride)
    won = winners(patches, tf.where(valid, scores, 0.0))
    extents = _extents(won, scores.shape[0])
    of_mask = mask_areas(patches, valid)
    areas = tf.cast(extents[0], tf.float32)
    alive = (areas >= max(fusion.min_area, 1)) & (of_mask > 0.0)
    shares = np.where(is_thing, *of_groups(vars(fusion), "overlap_threshold")).astype(np.float32)
    alive &= areas >= of_mask * tf.gather(tf.constant(shares), class_ids)
    if fusion.runner_up:
        won = winners(patches, tf.where(alive, scores, 0.0))
        extents = _extents(won, scores.shape[0])
    numbers = _segment_numbers(alive, class_ids, tf.gather(tf.constant(is_thing), class_ids))
    painted = tf.gather(tf.concat([[0], numbers], axis=0), won + 1)
    shown = scores if curves is None else recalibrated(curves, scores, class_ids)
    rows = _rows(numbers, tf.gather(tf.constant(source_ids), class_ids), shown, extents)
    return rows | {
        signatures.PANOPTIC_MAP: painted,
        signatures.NUM_SEGMENTS: tf.reduce_max(numbers),
    }


def class_thresholds(fusion: PanopticFusion, is_thing: np.ndarray) -> np.ndarray:
    """The least score of each class; float32 `[C]`, for bool `[C]`."""
    of_group = np.where(is_thing, *of_groups(vars(fusion), "score_threshold")).astype(np.float32)
    with tf.init_scope():  # Numbers, also while a graph is traced.
        return least_scores(tf.constant(of_group), fusion.class_score_thresholds).numpy()


def _mask_logits(proposals: dict[str, tf.Tensor]) -> tf.Tensor:
    """float32 `[h, w, K]`, by one matrix product."""
    features, embeddings = proposals[types.MASK_FEATURES], proposals[types.MASK_EMBEDDINGS]
    height, width, depth = features.shape
    flat = tf.matmul(tf.reshape(features, [height * width, depth]), embeddings, transpose_b=True)
    return tf.reshape(flat, [height, width, -1])


def _extents(won: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Measures what each proposal won.

    Args:
      won: int32 `[H, W]`, 0..count-1, or -1 for nobody.
      count: K.

    Returns:
      Areas int32 `[K]`; per row and per column of the map int32 `[H, K]` and `[W, K]`, the number
      of its pixels there.
    """
    height, width = won.shape
    ones = tf.ones([height * width], tf.int32)
    counts = []
    for size, lines in ((height, tf.range(height)[:, tf.newaxis]), (width, tf.range(width))):
        keys = tf.reshape(lines * (count + 1) + won + 1, [-1])
        found = tf.math.unsorted_segment_sum(ones, keys, size * (count + 1))
        counts.append(tf.reshape(found, [size, count + 1])[:, 1:])
    return tf.reduce_sum(counts[0], axis=0), *counts


def _segment_numbers(alive: tf.Tensor, class_ids: tf.Tensor, thing: tf.Tensor) -> tf.Tensor:
    """Numbers the kept proposals 1, 2, ...; stuff of one class together; int32 `[K]`, 0 if dropped.

    It compares all pairs, because K is small.
    """
    count = alive.shape[0]
    order = tf.range(count)
    stuff = alive & ~thing
    joined = stuff[:, tf.newaxis] & stuff & (class_ids[:, tf.newaxis] == class_ids)
    joined |= order[:, tf.newaxis] == order
    leaders = tf.reduce_min(tf.where(joined, order, count), axis=1)
    leads = alive & (leaders == order)
    numbers = tf.cumsum(tf.cast(leads, tf.int32))
    return tf.where(alive, tf.gather(numbers, leaders), 0)


def _rows(
    numbers: tf.Tensor,
    category_ids: tf.Tensor,
    scores: tf.Tensor,
    extents: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
) -> dict[str, tf.Tensor]:
    """Joins proposals `[K]` to one row for each segment, K rows with 0 after the last one."""
    areas, per_row, per_column = extents
    count = numbers.shape[0]
    order = tf.range(count)
    mine = numbers == order[:, tf.newaxis] + 1  # [segment, proposal]
    real = tf.reduce_any(mine, axis=1)
    first = tf.reduce_min(tf.where(mine, order, count - 1), axis=1)
    boxes = []
    for counts in (per_row, per_column):
        size = counts.shape[0]
        lines = tf.range(size)[:, tf.newaxis]
        begins = tf.reduce_min(tf.where(counts > 0, lines, size), axis=0)
        ends = tf.reduce_max(tf.where(counts > 0, lines + 1, 0), axis=0)
        boxes.append(tf.reduce_min(tf.where(mine, begins, size), axis=1))
        boxes.append(tf.reduce_max(tf.where(mine, ends, 0), axis=1))
    y0, y1, x0, x1 = boxes
    box = tf.stack([y0, x0, y1, x1], axis=1)
    return {
        signatures.SEGMENT_IDS: tf.where(real, order + 1, 0),
        signatures.CATEGORY_IDS: tf.where(real, tf.gather(category_ids, first), 0),
        signatures.SCORES: tf.where(real, tf.gather(scores, first), 0.0),
        signatures.AREAS: tf.reduce_sum(tf.where(mine, areas, 0), axis=1),
        signatures.BOXES: tf.where(real[:, tf.newaxis], box, 0),
    }
