"""What a threshold on brightness scores, without a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.matching import exact_parts, match_segments
from maskconver_tf.evaluation.mean_pq import mean_pq

MIN_AREA = 16
"""Least area of a thing that the threshold finds, in pixels, as of `PanopticFusion`."""

_SIDES = ("bright", "dark")


class ThresholdAnswer:
    """Scores things as connected parts that are brighter, or darker, than Otsu's threshold.

    The things have the most frequent class of things; the rest has the most frequent class of
    stuff. Both are known only at the end, so it counts what each class would score.
    """

    def __init__(self, categories: Categories):
        self._is_thing = np.asarray(categories.is_thing, np.bool_)
        # The counts of `mean_pq` but the last, of each side and of each class as the answer.
        shape = len(_SIDES), len(self._is_thing), 4
        self._parts, self._rest = np.zeros(shape), np.zeros(shape)
        self._true = np.zeros(len(self._is_thing))
        self._num_pictures = 0

    def add(self, gray: np.ndarray, segment_map: np.ndarray, class_ids: Any, is_crowd: Any) -> None:
        """Adds a picture.

        Args:
          gray: uint8 `[h, w]`.
          segment_map: integers `[h, w]`, i for the i-th of T true segments from 1, 0 for void.
          class_ids, is_crowd: of the segments.
        """
        bright = gray > otsu_threshold(gray)
        truth = np.asarray(class_ids, np.int64), np.asarray(is_crowd, np.bool_)
        for side, foreground in enumerate((bright, ~bright)):
            overlaps = _overlaps(foreground, segment_map, len(truth[0]))
            areas = overlaps[1:].sum(axis=1)
            for counts, columns, members in (
                (self._parts, overlaps[:, :-1], self._is_thing),
                (self._rest, overlaps[:, [0, -1]], ~self._is_thing),
            ):
                counts[side] += _scored_as_each_class(columns, areas, *truth, members)
        np.add.at(self._true, truth[0][~truth[1]], 1)
        self._num_pictures += 1

    def result(self, num_segments: np.ndarray) -> dict[str, Any] | None:
        """Returns PQ in percent of the better side; None without pictures or things.

        That is the side with the higher PQ of things; if both have the same, that of all classes.

        Args:
          num_segments: int `[C]`, of the dataset; they tell the most frequent classes.
        """
        thing = _most_frequent(num_segments, self._is_thing)
        if thing is None or not self._num_pictures:
            return None
        stuff = _most_frequent(num_segments, ~self._is_thing)
        counts = np.stack([self._counts(side, thing, stuff) for side in (0, 1)])  # [2, C, 5]
        is_thing = self._is_thing[:, np.newaxis]
        things, all_ = (np.nan_to_num(mean_pq(c)) for c in (counts * is_thing, counts))
        better = max((0, 1), key=lambda side: (things[side], all_[side]))
        return {
            "things_are": _SIDES[better],
            "pq": 100.0 * float(all_[better]),
            "pq_things": 100.0 * float(things[better]),
            "num_pictures": self._num_pictures,
        }

    def _counts(self, side: int, thing: int, stuff: int | None) -> np.ndarray:
        """Both parts of the sum of IoU, TP, FP and FN of each class, float64 `[C, 5]`."""
        found = np.zeros([len(self._true), 5])
        found[thing, :4] = self._parts[side, thing]
        if stuff is not None:  # Else the rest is void.
            found[stuff, :4] = self._rest[side, stuff]
        found[:, 4] = self._true - found[:, 2]
        return found


def _scored_as_each_class(
    overlaps: np.ndarray,
    truth_areas: np.ndarray,
    class_ids: np.ndarray,
    is_crowd: np.ndarray,
    may_be: np.ndarray,
) -> np.ndarray:
    """Scores parts once for each class that they may have.

    Args:
      overlaps: int `[T + 1, P + 1]`, see `match_segments`. Parts without pixels are left out.
      truth_areas: pixels of the true segments, `[T]`.
      class_ids, is_crowd: of the true segments.
      may_be: which classes the parts may have, bool `[C]`.

    Returns:
      Both parts of the sum of IoU, TP and FP if all parts have that class, float64 `[C, 4]`; of
      other classes without a meaning.
    """
    overlaps = overlaps[:, np.r_[True, overlaps[:, 1:].any(axis=0)]]

    def scored_as(class_id: int) -> list[float]:
        classes = np.full(overlaps.shape[1] - 1, class_id)
        matches = match_segments(overlaps, class_ids, is_crowd, classes, truth_areas)
        sums = [part.sum() for part in exact_parts(matches.ious)]
        return [*sums, len(matches.ious), matches.is_invented.sum()]

    counts = np.tile(scored_as(-1), (len(may_be), 1))  # Of a class that the picture lacks.
    for class_id in np.unique(class_ids[may_be[class_ids]]):
        counts[class_id] = scored_as(class_id)
    return counts


def _overlaps(foreground: np.ndarray, segment_map: np.ndarray, count: int) -> np.ndarray:
    """Common pixels of T true segments and P parts, `[T + 1, P + 2]`; the last column is the rest.

    Column 0 is empty: every pixel is in a part or in the rest.
    """
    from scipy import ndimage  # Loading SciPy takes longer than some commands.

    parts, _ = ndimage.label(foreground)
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
