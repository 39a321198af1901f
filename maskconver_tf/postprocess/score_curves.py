"""Replaces the scores of finished segments by recalibrated ones: a curve for each class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

_LEAST_STEP = 1e-12
"""A curve jumps where two points have the same score."""


class ScoreCurves(NamedTuple):
    """A curve for each of C classes. Between its P points it is straight, beyond them it is flat.

    Attributes:
      scores: float32 `[C, P]`, 0..1, never falling.
      shares: float32 `[C, P]`, 0..1, never falling: the new score at each point.
    """

    scores: np.ndarray
    shares: np.ndarray


def recalibrated(curves: ScoreCurves, scores: tf.Tensor, class_ids: tf.Tensor) -> tf.Tensor:
    """Returns the new score of each segment, float32 `[n]`.

    A curve is its first share plus a ramp for each step to the next point. LiteRT has all the
    operations of that sum.

    Args:
      scores: float32 `[n]`.
      class_ids: int32 `[n]`, 0..C-1.
    """
    points = tf.gather(tf.constant(curves.scores), class_ids)  # [n, P]
    shares = tf.gather(tf.constant(curves.shares), class_ids)
    widths = tf.maximum(points[:, 1:] - points[:, :-1], _LEAST_STEP)
    ramps = tf.clip_by_value((scores[:, tf.newaxis] - points[:, :-1]) / widths, 0.0, 1.0)
    climbed = tf.reduce_sum(ramps * (shares[:, 1:] - shares[:, :-1]), axis=1)
    return tf.clip_by_value(shares[:, 0] + climbed, 0.0, 1.0)
