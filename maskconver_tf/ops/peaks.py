"""Finds the peaks of center heatmaps, over all levels and classes (MaskConver paper, section 3)."""

from __future__ import annotations

import tensorflow as tf


def suppress_non_peaks(scores: tf.Tensor) -> tf.Tensor:
    """Sets every score to 0 that is not the maximum of its 3x3 neighborhood in its own channel.

    Neighbors with equal scores all stay.

    Args:
      scores: `[B, H, W, C]`, not negative.
    """
    maxima = tf.nn.max_pool2d(scores, ksize=3, strides=1, padding="SAME")
    return tf.where(scores >= maxima, scores, tf.zeros_like(scores))


def top_k_centers(heatmap_logits: dict[int, tf.Tensor], num_proposals: int) -> dict[str, tf.Tensor]:
    """Selects the highest peaks over all levels, cells and classes.

    The function first selects the best peaks of each level, so that the final selection has few
    candidates.

    Args:
      heatmap_logits: level -> `[B, Hl, Wl, C]`.
      num_proposals: K.

    Returns:
      `scores` float32 `[B, K]`, highest first; `class_ids` int32 `[B, K]`; `flat_indices` int32
      `[B, K]`, the cell in the order of `ops.centers.flatten_levels`. If there are fewer than K
      candidates, the rest has score 0.
    """
    scores, class_ids, cells = [], [], []
    offset = 0
    for level in sorted(heatmap_logits):
        logits = tf.cast(heatmap_logits[level], tf.float32)
        _, height, width, num_classes = logits.shape
        peaks = tf.reshape(
            suppress_non_peaks(tf.sigmoid(logits)), [-1, height * width * num_classes]
        )
        best, index = tf.math.top_k(peaks, min(num_proposals, peaks.shape[1]))
        scores.append(best)
        class_ids.append(index % num_classes)
        cells.append(offset + index // num_classes)
        offset += height * width
    found = {"scores": scores, "class_ids": class_ids, "flat_indices": cells}
    return _best_of(
        {name: tf.concat(parts, axis=1) for name, parts in found.items()}, num_proposals
    )


def _best_of(candidates: dict[str, tf.Tensor], num_proposals: int) -> dict[str, tf.Tensor]:
    missing = num_proposals - candidates["scores"].shape[1]
    if missing > 0:
        candidates = {k: tf.pad(v, [[0, 0], [0, missing]]) for k, v in candidates.items()}
    scores, order = tf.math.top_k(candidates["scores"], num_proposals)
    return {
        "scores": scores,
        "class_ids": tf.gather(candidates["class_ids"], order, batch_dims=1),
        "flat_indices": tf.gather(candidates["flat_indices"], order, batch_dims=1),
    }
