"""95 % intervals of the shares of PQ that each kind of error costs (see `intervals`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.mending import INEXACT_MASK
from maskconver_tf.evaluation.lost_quality.segment_table import TP
from maskconver_tf.evaluation.scoring.intervals import interval, panoptic_totals, percents
from maskconver_tf.evaluation.scoring.score_tables import ScoreTables

_RESAMPLES = 100
"""Resamples computed at a time; their shares of 133 classes take 8 MB."""


def lost_intervals(tables: ScoreTables, weights: np.ndarray) -> dict[str, dict[str, Any]]:
    """Returns `interval` of the field `lost` of results.json.

    Args:
      weights: `[R, pictures]`, how often each resample draws each picture.

    Returns:
      `all`, `things`, `stuff` -> each kind of error and `total` -> [low, high] in percent; None if
      the group occurs in no resample.
    """
    wrong, totals = _wrong_by_picture(tables), panoptic_totals(tables, weights)
    parts = [
        _mean_shares(tables, weights[rows], totals[rows], wrong)
        for rows in (slice(i, i + _RESAMPLES) for i in range(0, len(weights), _RESAMPLES))
    ]
    return {
        group: {
            name: percents(interval(values))
            for name, values in zip(
                (*KINDS, "total"), np.concatenate([part[group] for part in parts]).T, strict=True
            )
        }
        for group in parts[0]
    }


def _wrong_by_picture(tables: ScoreTables) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts wrong segments by picture and kind x C + class; returns these two and the counts."""
    size = len(KINDS) * len(tables.is_thing)
    is_wrong = tables.segments.outcomes != TP
    kinds = tables.segments.kinds[is_wrong].astype(np.int64)
    keys = kinds * len(tables.is_thing) + tables.segments.class_ids[is_wrong]
    pictures = tables.segment_pictures[is_wrong].astype(np.int64)
    every, counts = np.unique(pictures * size + keys, return_counts=True)
    return every // size, every % size, counts


def _mean_shares(
    tables: ScoreTables,
    weights: np.ndarray,
    totals: np.ndarray,
    wrong: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> dict[str, np.ndarray]:
    """Returns the mean share of each kind and their total in each group; `[R, kinds + 1]`."""
    count = len(tables.is_thing)
    iou_sum, tp = totals[..., 0] + totals[..., 1], totals[..., 2]
    weight = tp + 0.5 * totals[..., 3] + 0.5 * totals[..., 4]
    occurs, safe = weight > 0, np.maximum(weight, 0.5)
    lost = 0.5 * _drawn(wrong, weights, len(KINDS) * count).reshape(-1, len(KINDS), count)
    lost[:, INEXACT_MASK] += tp - iou_sum
    shares = lost / safe[:, np.newaxis]
    shares = np.concatenate([shares, shares.sum(axis=1, keepdims=True)], axis=1)
    groups = {"all": occurs, "things": occurs & tables.is_thing, "stuff": occurs & ~tables.is_thing}
    return {group: _means(shares, members) for group, members in groups.items()}


def _drawn(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], weights: np.ndarray, num_keys: int
) -> np.ndarray:
    """Adds up the counts of each key in each resample; float64 `[R, num_keys]`."""
    pictures, keys, counts = rows
    return np.stack([np.bincount(keys, row[pictures] * counts, num_keys) for row in weights])


def _means(shares: np.ndarray, members: np.ndarray) -> np.ndarray:
    counts = members.sum(axis=1)[:, np.newaxis]
    sums = np.sum(shares, axis=2, where=members[:, np.newaxis])
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
