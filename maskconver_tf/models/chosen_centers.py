"""The centers whose masks a model makes: those of the labels, or peaks of the heatmap."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.ops.centers import flat_indices
from maskconver_tf.ops.neighbor_cells import move_to_neighbors
from maskconver_tf.ops.peaks import top_k_centers


def choose_centers(
    centers: dict[str, tf.Tensor] | None,
    heatmap_logits: dict[int, tf.Tensor],
    num_proposals: int,
    jitter: float,
) -> dict[str, tf.Tensor]:
    """Chooses the centers of the labels or, without labels, the highest peaks.

    Args:
      centers: `CENTER_LEVELS`, `CENTER_INDICES` and `SLOT_CLASS_IDS` of the true segments; also
        `GAUSSIAN_RADII` and `STEP` if `jitter` is above 0. None for peaks.
      heatmap_logits: level -> `[B, Hl, Wl, C]`.
      num_proposals: number of peaks.
      jitter: share of the true centers to take at a neighbor cell, see `move_to_neighbors`.

    Returns:
      `class_ids` int32 `[B, K]`; `flat_indices` int32 `[B, K]`, the cell in the order of
      `ops.centers.flatten_levels`; peaks also have `scores` float32 `[B, K]`.
    """
    if centers is None:
        return top_k_centers(heatmap_logits, num_proposals)
    sizes = level_sizes(heatmap_logits)
    levels, cells = centers[types.CENTER_LEVELS], centers[types.CENTER_INDICES]
    class_ids = centers[types.SLOT_CLASS_IDS]
    if jitter:
        radii, step = centers[types.GAUSSIAN_RADII], centers[types.STEP]
        cells = move_to_neighbors(levels, cells, radii, class_ids, sizes, jitter, step)
    return {"flat_indices": flat_indices(levels, cells, sizes), "class_ids": class_ids}


def mean_of_neighbors(embeddings: dict[int, tf.Tensor]) -> dict[int, tf.Tensor]:
    """Replaces the embedding of each cell by the mean over its 3x3, without cells off the grid."""
    return {
        level: tf.nn.avg_pool2d(x, ksize=3, strides=1, padding="SAME")
        for level, x in embeddings.items()
    }


def level_sizes(features: dict[int, tf.Tensor]) -> dict[int, tuple[int, int]]:
    """Returns level -> (height, width) in cells of features `[B, Hl, Wl, any]`."""
    return {level: (x.shape[1], x.shape[2]) for level, x in features.items()}
