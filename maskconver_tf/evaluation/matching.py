"""Matches predicted with true segments by the number of pixels that they share.

Panoptic quality (Kirillov et al., CVPR 2019, section 4.1) and everything that follows from it use
these rules. `panoptic_quality.py` tells them in words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Matches(NamedTuple):
    """What became of the segments of one picture with T true and P predicted segments.

    Attributes:
      truth, predicted: int `[m]`, positions of the segments of each matched pair.
      ious: float64 `[m]`, IoU of each pair, above 0.5.
      is_missed: bool `[T]`, true segments without a match; crowds are never missed.
      is_invented: bool `[P]`, predicted segments without a match that count as wrong.
      is_forgiven: bool `[P]`, predicted segments that do not count as wrong without a match.
    """

    truth: np.ndarray
    predicted: np.ndarray
    ious: np.ndarray
    is_missed: np.ndarray
    is_invented: np.ndarray
    is_forgiven: np.ndarray


def match_segments(
    overlaps: np.ndarray,
    truth_class_ids: np.ndarray,
    is_crowd: np.ndarray,
    predicted_class_ids: np.ndarray,
    truth_areas: np.ndarray | None = None,
) -> Matches:
    """Matches the segments of one picture.

    Args:
      overlaps: int `[T + 1 or more, P + 1]`, common pixels of each pair. Row and column 0 are void.
        Rows after T are true pixels of no listed segment: nothing matches them, and they are not
        void.
      truth_class_ids, predicted_class_ids: int `[T]` and `[P]`.
      is_crowd: bool `[T]`.
      truth_areas: areas of the true segments, `[T]`; None to count their pixels.
    """
    count = len(truth_class_ids)
    predicted_areas, on_void = overlaps[:, 1:].sum(axis=0), overlaps[0, 1:]
    intersections = overlaps[1 : count + 1, 1:]  # [T, P]
    if truth_areas is None:
        truth_areas = overlaps[1 : count + 1].sum(axis=1)
    unions = predicted_areas + truth_areas[:, np.newaxis] - intersections - on_void
    same_class = truth_class_ids[:, np.newaxis] == predicted_class_ids
    may_match = same_class & ~is_crowd[:, np.newaxis] & (intersections > 0)
    is_match = may_match & (2 * intersections > unions) & (unions >= 0)
    truth, predicted = np.nonzero(is_match)
    with np.errstate(divide="ignore"):  # Listed areas may be wrong.
        ious = intersections[truth, predicted] / unions[truth, predicted]

    is_last_crowd = _last_crowd_of_each_class(truth_class_ids, is_crowd)[:, np.newaxis]
    on_crowd = np.sum(intersections, axis=0, where=same_class & is_last_crowd)
    is_forgiven = 2 * (on_void + on_crowd) > predicted_areas
    is_missed = ~is_match.any(axis=1) & ~is_crowd
    is_invented = ~is_match.any(axis=0) & ~is_forgiven
    return Matches(truth, predicted, ious, is_missed, is_invented, is_forgiven)


_SPLIT = 2.0**27


def exact_parts(ious: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Splits IoUs above 0.5 into two parts that can be added without rounding, in any order.

    A double above one half is a multiple of 2^-53. The first part is a multiple of 2^-27, the
    second one is below 2^-27. Sums of up to 2^26 parts are exact, so the sum of both sums is the
    rounded sum of the IoUs, whatever the order and the number of processes.

    Returns:
      two float64 arrays in the shape of `ious`.
    """
    first = np.floor(ious * _SPLIT) / _SPLIT
    return first, ious - first


def _last_crowd_of_each_class(class_ids: np.ndarray, is_crowd: np.ndarray) -> np.ndarray:
    """Returns whether a segment is the last listed crowd of its class; bool `[T]`."""
    chosen = np.zeros(len(class_ids), np.bool_)
    if not is_crowd.any():
        return chosen
    last = {class_ids[i]: i for i in np.flatnonzero(is_crowd)}
    chosen[list(last.values())] = True
    return chosen
