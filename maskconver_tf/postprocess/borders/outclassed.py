"""Finds the proposals that another one beats at every pixel of a patch."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import LogitGrid
from maskconver_tf.postprocess.borders.sure_patches import LEAST_PRODUCT

MARGIN = 4.0
"""In units of `LogitGrid.slack`: errors of two products at a pixel, and of the rule itself."""


def drop_outclassed(
    grid: LogitGrid, scores: tf.Tensor, patches: tf.Tensor, proposals: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Drops the pairs of a patch and a proposal that one of four champions beats everywhere.

    The champion of a corner has the largest product there. Let the logit of champion a be at least
    d above that of proposal b at all four corners. Interpolation keeps this: at a pixel where a has
    logit u, b has at most u - d. So b loses where

        s_b * sigmoid(u - d) < s_a * sigmoid(u).

    The ratio of the two sides rises or falls in all of u, by the sign of d. So it is enough that
    this holds for the least and for the largest corner logit of a (`docs/decisions/`,
    "fusion-by-border"). A proposal whose logits equal those of an earlier champion with as high a
    score never wins, because ties go to the first.

    Args:
      grid: logits of n proposals.
      scores: float32 `[n]`.
      patches: int32 `[m]`, ascending.
      proposals: int32 `[m]`, ascending in each patch.

    Returns:
      The pairs that stay, in the same order; at least one in each patch.
    """
    local = numbered(patches)
    pairs = {
        "logits": tf.stack(grid.corners(patches, proposals), axis=1),  # [m, 4]
        "scores": tf.gather(scores, proposals),
        "places": tf.cast(proposals, tf.float32),
    }
    stays = tf.ones_like(patches, tf.bool)
    for champions in tf.unstack(_champions(pairs, local), num=4, axis=1):
        stays &= ~_beaten(pairs, champions, local, grid.slack)
    return tf.boolean_mask(patches, stays), tf.boolean_mask(proposals, stays)


def numbered(patches: tf.Tensor) -> tf.Tensor:
    """Numbers ascending patches int32 `[m]` 0, 1, ..., equal ones alike; int32 `[m]`."""
    steps = tf.cast(patches[1:] != patches[:-1], tf.int32)
    return tf.concat([[0], tf.cumsum(steps)], axis=0)[: tf.size(patches)]


def _champions(pairs: dict[str, tf.Tensor], local: tf.Tensor) -> tf.Tensor:
    """The pair with the largest product at each corner of A patches; int32 `[A, 4]`."""
    products = pairs["scores"][:, tf.newaxis] * tf.sigmoid(pairs["logits"])
    leads = products >= tf.gather(tf.math.segment_max(products, local), local)
    count = tf.size(local)
    return tf.math.segment_min(tf.where(leads, tf.range(count)[:, tf.newaxis], count), local)


def _beaten(
    pairs: dict[str, tf.Tensor], champions: tf.Tensor, local: tf.Tensor, slack: tf.Tensor
) -> tf.Tensor:
    """Whether each pair loses to the champion (a pair) of its patch, of `[A]`; bool `[m]`."""
    logits, scores = (tf.gather(pairs[name], champions) for name in ("logits", "scores"))
    ends = tf.stack([tf.reduce_min(logits, axis=1), tf.reduce_max(logits, axis=1)], axis=1)
    products = scores[:, tf.newaxis] * tf.sigmoid(ends)
    columns = [logits, ends, products, scores[:, tf.newaxis]]
    columns.append(tf.gather(pairs["places"], champions)[:, tf.newaxis])
    table = tf.gather(tf.concat(columns, axis=1), local)  # One gather for all columns is faster.
    leads = [table[:, corner] - pairs["logits"][:, corner] for corner in range(4)]
    least_lead = tf.minimum(tf.minimum(leads[0], leads[1]), tf.minimum(leads[2], leads[3]))
    raised = pairs["scores"] * tf.exp(MARGIN * slack)
    at_lowest, at_highest = (raised * tf.sigmoid(table[:, end] - least_lead) for end in (4, 5))
    ahead = (at_lowest < table[:, 6]) & (at_highest < table[:, 7])
    # Near the end of float32's range, products are not what the formula says.
    in_range = table[:, 6] > LEAST_PRODUCT
    same = (leads[0] == 0.0) & (leads[1] == 0.0) & (leads[2] == 0.0) & (leads[3] == 0.0)
    earlier = (table[:, 9] < pairs["places"]) & (table[:, 8] >= pairs["scores"])
    return (ahead & in_range) | (same & earlier)
