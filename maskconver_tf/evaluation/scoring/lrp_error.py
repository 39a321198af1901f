"""Panoptic LRP error (Oksuz et al., "One Metric to Measure them All", PAMI 2022, equation 2)."""

from __future__ import annotations

import numpy as np

from maskconver_tf.evaluation.panoptic_quality import PanopticQualityResult


def lrp_errors(result: PanopticQualityResult) -> np.ndarray:
    """Returns the LRP error of each class; float64 `[C]`, 0..1, lower is better.

        LRP = (sum over matches of (1 - IoU) / (1 - 1/2)  +  FP + FN) / (TP + FP + FN)

    A match of IoU 1/2 would cost as much as a missed segment, so the error rises without a jump. A
    panoptic map has no more than one candidate for a segment, so no score threshold is chosen. NaN
    for a class that does not occur.
    """
    count = result.tp + result.fp + result.fn
    inexact = 2 * result.tp * (1 - result.sq)
    return (inexact + result.fp + result.fn) / np.where(count > 0, count, np.nan)
