"""AP in the resamples of a bootstrap over pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

RESAMPLED_AP = ("ap", "ap_50", "ap_75")
_CHUNK = 50
"""Resamples computed at a time."""


class _ClassMatches(NamedTuple):
    """The predictions of one class over all pictures, best score first.

    Attributes:
      pictures: int `[D]`, picture of each prediction.
      is_right, is_wrong: bool `[T, D]`, for each IoU threshold; neither where it is ignored.
      num_truths: int `[N]`, number of true things of each picture.
    """

    pictures: np.ndarray
    is_right: np.ndarray
    is_wrong: np.ndarray
    num_truths: np.ndarray


def resampled_average_precision(evaluation: COCOeval, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Computes AP as if each picture occurred as often as its weight says.

    Args:
      evaluation: of `match_detections`.
      weights: `[R, N]`, how often each resample draws each picture.

    Returns:
      "instance_ap/ap" and so on -> values 0..1 `[R]`, NaN in a resample without a true thing.
    """
    sums = np.zeros((len(weights), len(evaluation.params.iouThrs)))
    counts = np.zeros(len(weights))
    for found in _classes(evaluation, weights.shape[1]):
        for start in range(0, len(weights), _CHUNK):
            rows = slice(start, start + _CHUNK)
            precision, occurs = _mean_precision(
                found, weights[rows].astype(np.int64), evaluation.params.recThrs
            )
            sums[rows] += precision
            counts[rows] += occurs
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / counts[:, np.newaxis]  # [R, T]
    values = means.mean(axis=1), means[:, 0], means[:, 5]  # IoU from 0.5 in steps of 0.05.
    return {f"instance_ap/{name}": value for name, value in zip(RESAMPLED_AP, values, strict=True)}


def _classes(evaluation: COCOeval, num_pictures: int) -> Iterator[_ClassMatches]:
    """Yields the classes that have a true thing."""
    num_ranges = len(evaluation.params.areaRng)
    for number in range(len(evaluation.params.catIds)):
        start = number * num_ranges * num_pictures  # The first range is that of all areas.
        found = list(enumerate(evaluation.evalImgs[start : start + num_pictures]))
        found = [(picture, matches) for picture, matches in found if matches is not None]
        num_truths = np.zeros(num_pictures, np.int64)
        for picture, matches in found:
            num_truths[picture] = np.count_nonzero(np.asarray(matches["gtIgnore"]) == 0)
        if not num_truths.any():
            continue
        scores = np.concatenate([matches["dtScores"] for _, matches in found])
        order = np.argsort(-scores, kind="mergesort")
        sizes = [len(matches["dtScores"]) for _, matches in found]
        is_ignored = np.concatenate([matches["dtIgnore"] for _, matches in found], axis=1)
        is_right = np.concatenate([matches["dtMatches"] for _, matches in found], axis=1) > 0
        yield _ClassMatches(
            np.repeat([picture for picture, _ in found], sizes)[order],
            (is_right & ~is_ignored)[:, order],
            (~is_right & ~is_ignored)[:, order],
            num_truths,
        )


def _mean_precision(
    found: _ClassMatches, weights: np.ndarray, recalls: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean precision over recalls `[R, T]`, and whether the class occurs, `[R]`."""
    num_truths = weights @ found.num_truths  # [R]
    needed = np.stack([_needed(count, recalls) for count in num_truths.tolist()])  # [R, 101]
    drawn = weights[:, found.pictures]  # [R, D]
    values = []
    for is_right, is_wrong in zip(found.is_right, found.is_wrong, strict=True):
        right = np.cumsum(drawn * is_right, axis=1)
        precision = right / np.maximum(right + np.cumsum(drawn * is_wrong, axis=1), 1)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.pad(best, ((0, 0), (0, 1)))  # A recall that is never reached has 0.
        values.append(np.take_along_axis(best, _first_at_least(right, needed), axis=1).mean(axis=1))
    occurs = num_truths > 0
    return np.stack(values, axis=1) * occurs[:, np.newaxis], occurs


def _needed(num_truths: int, recalls: np.ndarray) -> np.ndarray:
    """Returns how many things must be found for each recall."""
    return np.searchsorted(np.arange(num_truths + 1) / max(num_truths, 1), recalls)


def _first_at_least(counts: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Returns for each row the first position whose count is at least the needed one."""
    rows, length = counts.shape
    step = int(max(counts.max(initial=0), needed.max(initial=0))) + 1
    offsets = np.arange(rows)[:, np.newaxis] * step
    flat = np.searchsorted((counts + offsets).ravel(), (needed + offsets).ravel())
    return flat.reshape(needed.shape) - np.arange(rows)[:, np.newaxis] * length
