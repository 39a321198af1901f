"""What a threshold on brightness scores, without a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.matching import match_segments
from maskconver_tf.evaluation.mean_pq import mean_pq
from maskconver_tf.inference.connected_parts import connected_parts

MIN_AREA = 16
"""Least area of a thing that the threshold finds, in pixels, as of `PanopticFusion`."""


class ThresholdAnswer:
    """Scores things as connected parts that are brighter, or darker, than Otsu's threshold.

    The things have the most frequent class of things; the rest has the most frequent class of
    stuff. It runs on the pictures that measure the ceiling.
    """

    def __init__(self, categories: Categories):
        self._is_thing = np.asarray(categories.is_thing)
        self._pictures: list[tuple[np.ndarray, np.ndarray, list[np.ndarray]]] = []

    def add(self, gray: np.ndarray, segment_map: np.ndarray, class_ids: Any, is_crowd: Any) -> None:
        """Adds a picture.

        Args:
          gray: uint8 `[h, w]`.
          segment_map: integers `[h, w]`, i for the i-th of T true segments from 1, 0 for void.
          class_ids, is_crowd: of the segments.
        """
        bright = gray > otsu_threshold(gray)
        classes, crowds = np.asarray(class_ids, np.int64), np.asarray(is_crowd, np.bool_)
        tables = [_overlaps(part, segment_map, len(classes)) for part in (bright, ~bright)]
        self._pictures.append((classes, crowds, tables))

    def to_json(self, num_segments: np.ndarray) -> dict[str, Any] | None:
        """Returns PQ in percent of the better one of both; None without pictures or things.

        Args:
          num_segments: int `[C]`, of the dataset.
        """
        thing = _most_frequent(num_segments, self._is_thing)
        if thing is None or not self._pictures:
            return None
        stuff = _most_frequent(num_segments, ~self._is_thing)
        counts = np.array([self._counts(side, thing, stuff) for side in (0, 1)])  # [2, C, 5]
        things = np.nan_to_num(mean_pq(counts * self._is_thing[:, np.newaxis]))
        better = int(np.argmax(things))
        return {
            "things_are": ("bright", "dark")[better],
            "pq": round(100.0 * float(np.nan_to_num(mean_pq(counts[better]))), 2),
            "pq_things": round(100.0 * float(things[better]), 2),
            "num_pictures": len(self._pictures),
        }

    def _counts(self, side: int, thing: int, stuff: int | None) -> np.ndarray:
        """Sum of IoU, nothing, TP, FP and FN of each class, float64 `[C, 5]`."""
        found = np.zeros([len(self._is_thing), 5])
        for truth, is_crowd, tables in self._pictures:
            overlaps = tables[side]
            classes = np.full(overlaps.shape[1] - 2, thing)
            if stuff is None:  # The rest becomes void.
                overlaps = np.c_[overlaps[:, :1] + overlaps[:, -1:], overlaps[:, 1:-1]]
            elif overlaps[:, -1].any():
                classes = np.r_[classes, stuff]
            else:
                overlaps = overlaps[:, :-1]
            matches = match_segments(overlaps, truth, is_crowd, classes)
            np.add.at(found[:, 0], truth[matches.truth], matches.ious)
            np.add.at(found[:, 2], truth[matches.truth], 1)
            np.add.at(found[:, 3], classes[matches.is_invented], 1)
            np.add.at(found[:, 4], truth[matches.is_missed], 1)
        return found


def _overlaps(foreground: np.ndarray, segment_map: np.ndarray, count: int) -> np.ndarray:
    """Common pixels of T true segments and P parts, `[T + 1, P + 2]`; the last column is the rest.

    Column 0 is empty: every pixel is in a part or in the rest.
    """
    parts, _ = connected_parts(foreground.astype(np.int32))
    large = np.bincount(parts.ravel()) >= MIN_AREA
    large[0] = False
    num_parts = int(large.sum())
    columns = np.where(large, np.cumsum(large), num_parts + 1)[parts]
    pairs = segment_map.ravel().astype(np.int64) * (num_parts + 2) + columns.ravel()
    size = (count + 1) * (num_parts + 2)
    return np.bincount(pairs, minlength=size).reshape(count + 1, num_parts + 2)


def otsu_threshold(gray: np.ndarray) -> int:
    """Returns the brightness that separates two groups best (Otsu, 1979), for uint8 pixels."""
    counts = np.bincount(gray.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
        between = np.nan_to_num(below * above * gap**2, nan=-1.0, posinf=-1.0)
    return int(np.argmax(between))


def _most_frequent(counts: np.ndarray, members: np.ndarray) -> int | None:
    """The class of a group with the most segments; None if the group has no segment."""
    counts = np.where(members, counts, 0)
    return int(np.argmax(counts)) if counts.any() else None
