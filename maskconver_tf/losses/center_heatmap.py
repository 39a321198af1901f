"""Penalty-reduced focal loss on center heatmaps (CenterNet, arXiv 1904.07850, equation 1)."""

from __future__ import annotations

import dataclasses
import math

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class FocalForm:
    """The form of `center_heatmap_loss`; the defaults are CenterNet's.

    Attributes:
      alpha: exponent of the error of the score; a larger one leaves well-scored cells more alone.
      beta: exponent of 1 - heatmap; a larger one forgives high scores farther from a center.
      positive_from: a cell is a positive where the heatmap is at least this, 0..1. With 1 each
        center has one positive.
      score_clip: scores are clipped to [score_clip, 1 - score_clip]. A cell beyond has no gradient.
        0 clips nothing; the loss is exact for any finite logit.
    """

    alpha: float = 2.0
    beta: float = 4.0
    positive_from: float = 1.0
    score_clip: float = 0.0


CENTERNET = FocalForm()


def center_heatmap_loss(
    logits: tf.Tensor,
    heatmap: tf.Tensor,
    valid_mask: tf.Tensor,
    form: FocalForm = CENTERNET,
    quality: tf.Tensor | None = None,
) -> tf.Tensor:
    """Sums the penalty-reduced focal loss over cells and classes.

    With score p and heatmap y, a center (y = 1) has the loss -(1 - p)^alpha log p. Every other cell
    has -(1 - y)^beta p^alpha log(1 - p): a high score costs less near a center.

    With a quality q, a positive has |q - p|^alpha (-q log p - (1 - q) log(1 - p)), which is least
    at p = q (quality focal loss, arXiv 2006.04388, equation 5). For q = 1 it is the loss above.

    Args:
      logits: float32 `[B, H, W, C]`.
      heatmap: float32 `[B, H, W, C]` in 0..1, exactly 1 at centers.
      valid_mask: `[B, H, W]`, 1 where a cell counts. A positive always counts.
      form: exponents, positives and clipping.
      quality: float32 `[B, H, W, C]` in 0..1, the score that each positive should have; None for 1.

    Returns:
      float32 `[B]`.
    """
    if form.score_clip:
        limit = math.log1p(-form.score_clip) - math.log(form.score_clip)
        logits = tf.clip_by_value(logits, -limit, limit)
    scores = tf.sigmoid(logits)
    if quality is None:
        positive = -tf.pow(1.0 - scores, form.alpha) * tf.math.log_sigmoid(logits)
    else:
        error = tf.pow(tf.abs(quality - scores), form.alpha)
        positive = error * (tf.nn.softplus(logits) - quality * logits)
    negative = tf.pow(1.0 - heatmap, form.beta) * tf.pow(scores, form.alpha)
    negative *= tf.nn.softplus(logits)
    valid_mask = tf.cast(valid_mask, tf.float32)[..., tf.newaxis]
    loss = tf.where(heatmap >= form.positive_from, positive, valid_mask * negative)
    return tf.reduce_sum(loss, axis=[1, 2, 3])
