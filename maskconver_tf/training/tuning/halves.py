"""Divides pictures into two halves, and tells whether a gain on the second half is real."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.mean_pq import mean_pq
from maskconver_tf.evaluation.scoring.intervals import draw_weights, interval

_CHOSEN, _HELD_OUT = 0, 1


def position_of(image_id: str) -> float:
    """A number from 0 to 1 that depends on nothing but the id of a picture, as JSON text."""
    return int.from_bytes(hashlib.sha256(image_id.encode()).digest()[:8], "big") / 2**64


def halves(image_ids: Sequence[str]) -> np.ndarray:
    """Returns 0 for the pictures to choose on and 1 for those that are held out; int `[P]`.

    The halves depend on the ids of the pictures, not on their order, and differ by one picture at
    most.
    """
    order = sorted(range(len(image_ids)), key=lambda i: (_key(image_ids[i]), image_ids[i]))
    found = np.empty(len(image_ids), np.int64)
    found[order] = np.arange(len(image_ids)) % 2
    return found


def _key(image_id: str) -> bytes:
    return hashlib.sha256(b"half " + image_id.encode()).digest()


class Gain(NamedTuple):
    """The difference of two scores on the same pictures, in percent.

    Attributes:
      before, after: PQ.
      low, high: the middle 95 % of the difference over resampled pictures.
    """

    before: float
    after: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0.0


def paired_gain(before: np.ndarray, after: np.ndarray) -> Gain:
    """Compares two settings on the same resamples of pictures (bootstrap, Efron 1979).

    Args:
      before, after: counts of each picture, float64 `[P, C, 5]`: both parts of the sum of IoU, TP,
        FP and FN of each class.
    """
    weights = draw_weights(len(before)).astype(np.float64)
    differences = _resampled(after, weights) - _resampled(before, weights)
    low, high = interval(differences) or (0.0, 0.0)
    return Gain(100 * mean_pq(before.sum(0)), 100 * mean_pq(after.sum(0)), 100 * low, 100 * high)


def _resampled(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    totals = weights @ counts.reshape(len(counts), -1)
    return mean_pq(totals.reshape(len(weights), *counts.shape[1:]))
