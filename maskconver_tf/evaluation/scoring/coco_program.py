"""Adds up and averages as COCO's program (panopticapi) does, to the last bit.

The program adds the IoUs of a class one after the other, by picture and by segment ids, and then
the qualities of the classes in the order of the class list. On several processes it adds the sums
of the processes, so its own last bits depend on the number of cores; here they are those of one
process.
"""

from __future__ import annotations

import numpy as np

from maskconver_tf.evaluation.panoptic_quality import (
    GroupQuality,
    PanopticQuality,
    PanopticQualityResult,
)


def coco_result(
    quality: PanopticQuality, ious: np.ndarray, iou_classes: np.ndarray, is_thing: np.ndarray
) -> PanopticQualityResult:
    """Returns the result of COCO's program.

    Args:
      quality: the counts, with matches by the areas that the truth lists.
      ious, iou_classes: all matches in the program's order.
      is_thing: bool `[C]`.
    """
    sums = np.bincount(iou_classes, weights=ious, minlength=len(is_thing))  # One after the other.
    occurs = quality.tp + quality.fp + quality.fn > 0
    weight = np.where(occurs, quality.tp + 0.5 * quality.fp + 0.5 * quality.fn, np.nan)
    pq, rq = sums / weight, quality.tp / weight
    sq = np.where(occurs, np.where(quality.tp > 0, sums / np.maximum(quality.tp, 1), 0.0), np.nan)
    groups = {"all": occurs, "things": occurs & is_thing, "stuff": occurs & ~is_thing}
    counts = quality.tp, quality.fp, quality.fn
    means = {name: _mean(pq, sq, rq, members) for name, members in groups.items()}
    return PanopticQualityResult(pq, sq, rq, *counts, **means)


def _mean(pq: np.ndarray, sq: np.ndarray, rq: np.ndarray, members: np.ndarray) -> GroupQuality:
    """Averages class by class. Without a class the program divides by zero; here it is NaN."""
    count = int(members.sum())
    if not count:
        return GroupQuality(np.nan, np.nan, np.nan, 0)
    sums = (sum(quality[members].tolist()) for quality in (pq, sq, rq))
    return GroupQuality(*(total / count for total in sums), num_classes=count)
