"""Counts the common pixels of two maps of segments.

Neighboring pixels mostly belong to the same segments. So only the starts of runs, in which neither
map changes, are looked up; their lengths are the numbers of pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.files.id_map import rgb_to_ids


class JointRuns(NamedTuple):
    """Runs of pixels, row after row, in which neither map changes.

    Attributes:
      truth_ids, predicted_ids: int64 `[n]`, the ids of each run.
      lengths: int64 `[n]`, its number of pixels.
    """

    truth_ids: np.ndarray
    predicted_ids: np.ndarray
    lengths: np.ndarray


def joint_runs(truth: np.ndarray, predicted: np.ndarray) -> JointRuns:
    """Finds the runs of two maps of one size.

    Args:
      truth, predicted: ids `[h, w]`, or uint8 `[h, w, 3]` that holds R + 256 G + 65536 B.
    """
    if truth.ndim != predicted.ndim:
        truth, predicted = as_ids(truth), as_ids(predicted)
    channels = 3 if truth.ndim == 3 else 1
    flat_truth, flat_predicted = truth.reshape(-1), predicted.reshape(-1)
    starts = _change_positions(flat_truth, flat_predicted, channels)
    lengths = np.diff(starts, append=flat_truth.size // channels)
    return JointRuns(_ids_at(truth, starts), _ids_at(predicted, starts), lengths)


_BLOCK = 3 * 2**20
"""Values compared at a time, so that a large picture takes little more memory."""


def _change_positions(truth: np.ndarray, predicted: np.ndarray, channels: int) -> np.ndarray:
    """Returns position 0 and that of each pixel that differs from the one before in either map."""
    found = [np.zeros(1, np.int64)]
    last = truth.size - channels
    changes, others = (np.empty(min(_BLOCK, -(-last // 8) * 8), np.bool_) for _ in range(2))
    for start in range(0, last, _BLOCK):
        count = min(_BLOCK, last - start)
        before, after = slice(start, start + count), slice(start + channels, None)
        np.not_equal(truth[before], truth[after][:count], out=changes[:count])
        np.not_equal(predicted[before], predicted[after][:count], out=others[:count])
        np.logical_or(changes[:count], others[:count], out=changes[:count])
        changes[count:] = False
        found.append((_true_positions(changes) + start) // channels + 1)
    positions = np.concatenate(found)
    is_new = np.ones(len(positions), np.bool_)  # Several channels of a pixel may change.
    np.not_equal(positions[1:], positions[:-1], out=is_new[1:])
    return np.compress(is_new, positions)


def _true_positions(flags: np.ndarray) -> np.ndarray:
    """Returns `np.flatnonzero` of bool `[8 n]`; few are True, so it looks at eight at a time."""
    words = np.flatnonzero(flags.view(np.uint64) != 0)
    inside = np.flatnonzero(np.take(flags.reshape(-1, 8), words, axis=0))
    return (np.take(words, inside >> 3) << 3) + (inside & 7)


class PairRuns(NamedTuple):
    """Runs with the positions of their segments in two lists.

    Attributes:
      truth, predicted: int64 `[n]`, positions.
      lengths: int64 `[n]`, number of pixels.
      shape: numbers of positions, (T, P).
    """

    truth: np.ndarray
    predicted: np.ndarray
    lengths: np.ndarray
    shape: tuple[int, int]

    def overlaps(self) -> np.ndarray:
        """Counts the pixels of each pair; int64 `[T, P]`."""
        pairs = self.truth * self.shape[1] + self.predicted
        size = self.shape[0] * self.shape[1]
        counts = np.bincount(pairs, weights=self.lengths, minlength=size)
        return counts.astype(np.int64).reshape(self.shape)


def find_pairs(
    runs: JointRuns, truth_ids: np.ndarray, predicted_ids: np.ndarray
) -> PairRuns | None:
    """Looks the ids of runs up in two lists of different ids.

    Returns None if a list lacks an id; `unlisted` tells which.
    """
    truth = _positions(runs.truth_ids, truth_ids)
    predicted = _positions(runs.predicted_ids, predicted_ids)
    if truth is None or predicted is None:
        return None
    return PairRuns(truth, predicted, runs.lengths, (len(truth_ids), len(predicted_ids)))


def unlisted(ids: np.ndarray, listed: np.ndarray) -> np.ndarray:
    """Returns those of `ids` that `listed` lacks, each once, sorted."""
    order = np.sort(listed)
    nearest = order[np.searchsorted(order, ids).clip(max=len(order) - 1)]
    wrong = ids[nearest != ids]
    return np.unique(wrong) if wrong.size else wrong


def as_ids(pixels: np.ndarray) -> np.ndarray:
    """Returns the ids `[h, w]` of a map in either form."""
    return rgb_to_ids(pixels) if pixels.ndim == 3 else pixels


def _ids_at(pixels: np.ndarray, starts: np.ndarray) -> np.ndarray:
    flat = pixels.reshape(-1)
    if pixels.ndim == 2:
        return np.take(flat, starts).astype(np.int64)
    first = 3 * starts
    ids = np.take(flat, first + 2).astype(np.int64)
    for channel in (1, 0):
        ids <<= 8
        ids |= np.take(flat, first + channel)
    return ids


def _positions(values: np.ndarray, ids: np.ndarray) -> np.ndarray | None:
    order = np.argsort(ids)
    known = ids[order]
    at = np.minimum(np.searchsorted(known, values), len(ids) - 1)
    return np.take(order, at) if np.array_equal(np.take(known, at), values) else None
