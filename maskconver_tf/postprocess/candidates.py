"""Chooses the proposals that take part in a picture's fusion, and makes their mask logits."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.ops.masks import mask_logits


def candidates(
    proposals: dict[str, tf.Tensor],
    features: tf.Tensor,
    content_size: tf.Tensor,
    thresholds: tf.Tensor,
    mask_quality: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Drops low scores and centers outside the picture before it makes any mask.

    Args:
      proposals: `PROPOSAL_SCORES` `[K]`, `PROPOSAL_CLASS_IDS` `[K]`, `MASK_EMBEDDINGS` `[K, D]`
        and, unless all centers count as inside, `PROPOSAL_CENTERS` `[K, 2]`.
      features: `[h, w, D]`, cut to the picture.
      content_size: int32 `[2]`, size of the picture inside the input, in input pixels.
      thresholds: float32 `[C]`, the least score of each class.
      mask_quality: multiply scores by `mask_qualities`, and apply the thresholds to the product.

    Returns:
      Positions of the n candidates among the K, the highest score first, int32 `[n]`; their scores,
      float32 `[n]`; their logits, float32 `[h, w, n]`.
    """
    scores = proposals[types.PROPOSAL_SCORES]
    least = tf.gather(thresholds, tf.maximum(proposals[types.PROPOSAL_CLASS_IDS], 0))
    kept = _best_first(scores, (scores >= least) & inside_content(proposals, content_size))
    scores, least = tf.gather(scores, kept), tf.gather(least, kept)
    embeddings = tf.gather(proposals[types.MASK_EMBEDDINGS], kept)
    logits = mask_logits(features[tf.newaxis], embeddings[tf.newaxis])[0]
    if not mask_quality:
        return kept, scores, logits
    scores *= mask_qualities(logits)
    again = _best_first(scores, scores >= least)
    return tf.gather(kept, again), tf.gather(scores, again), tf.gather(logits, again, axis=2)


def inside_content(proposals: dict[str, tf.Tensor], content_size: tf.Tensor) -> tf.Tensor:
    """Tells which center cells touch the picture; bool `[K]`.

    A cell that touches the picture may hold the center of a segment even if its middle lies in the
    padding. A cell of level l has its middle at an odd multiple of 2^(l-1) input pixels, so the
    middle alone tells the cell's size and its top left corner.

    Args:
      proposals: has `PROPOSAL_SCORES` `[K]`, and `PROPOSAL_CENTERS` `[K, 2]` or nothing.
      content_size: int32 `[2]`, in input pixels.
    """
    if types.PROPOSAL_CENTERS not in proposals:
        return tf.ones_like(proposals[types.PROPOSAL_SCORES], tf.bool)
    doubled = tf.cast(2.0 * proposals[types.PROPOSAL_CENTERS], tf.int32)
    cell_sizes = tf.bitwise.bitwise_and(doubled, -doubled)
    return tf.reduce_all(doubled - cell_sizes < 2 * content_size, axis=1)


def mask_qualities(logits: tf.Tensor) -> tf.Tensor:
    """Mean sigmoid of each mask over its cells above 0.5, or 0 for an empty mask; float32 `[n]`.

    Args:
      logits: float32 `[h, w, n]`.
    """
    inside = logits > 0.0
    total = tf.reduce_sum(tf.where(inside, tf.sigmoid(logits), 0.0), axis=[0, 1])
    return tf.math.divide_no_nan(total, tf.reduce_sum(tf.cast(inside, tf.float32), axis=[0, 1]))


def _best_first(scores: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Positions of the chosen scores, the highest first; int32 `[n]`."""
    order = tf.argsort(scores, direction="DESCENDING", stable=True)
    return tf.boolean_mask(order, tf.gather(chosen, order))
