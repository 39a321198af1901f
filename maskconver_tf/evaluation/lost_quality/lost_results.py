"""The shares of PQ that each kind of error costs, and the gain of mending it, for results.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.mending import INEXACT_MASK
from maskconver_tf.evaluation.lost_quality.segment_table import TP, SegmentTable
from maskconver_tf.evaluation.panoptic_quality import PanopticQualityResult

GROUPS = ("all", "things", "stuff")


def class_weights(result: PanopticQualityResult) -> np.ndarray:
    """Returns W = TP + FP / 2 + FN / 2, float64 `[C]`; NaN for a class that does not occur."""
    weights = result.tp + 0.5 * result.fp + 0.5 * result.fn
    return np.where(weights > 0, weights, np.nan)


def shares_lost(result: PanopticQualityResult, table: SegmentTable) -> np.ndarray:
    """Returns the share of PQ that each kind costs each class; float64 `[kinds, C]`.

    The shares of a class add up to 1 - PQ. `inexact_mask` costs RQ - PQ = RQ (1 - SQ); the other
    kinds cost 1/2 for each segment, divided by W. NaN for a class that does not occur.
    """
    return 0.5 * wrong_segments(table, len(result.pq)) / class_weights(result) + (
        np.arange(len(KINDS))[:, np.newaxis] == INEXACT_MASK
    ) * (result.rq - result.pq)


def wrong_segments(table: SegmentTable, num_classes: int) -> np.ndarray:
    """Counts unmatched true segments and wrong predictions; int64 `[kinds, C]`."""
    wrong = table.outcomes != TP
    keys = table.kinds[wrong].astype(np.int64) * num_classes + table.class_ids[wrong]
    found = np.bincount(keys, minlength=len(KINDS) * num_classes)
    return found.reshape(len(KINDS), num_classes)


def lost_results(
    result: PanopticQualityResult, table: SegmentTable, categories: Categories
) -> dict[str, Any]:
    """Returns `lost` of results.json.

    Returns:
      `all`, `things`, `stuff`, and in `per_class` each class: kind -> percent of PQ that it costs,
      and `total`, which is 100 - PQ. None for a group or class that does not occur. `segments` has
      the number of segments of each kind in each group; `inexact_mask` counts matches below IoU 1.
    """
    shares = 100 * shares_lost(result, table)
    occurs = ~np.isnan(result.pq)
    members = _members(occurs, categories)
    counts = wrong_segments(table, len(categories))
    inexact = (table.outcomes == TP) & (table.ious != 1)
    counts[INEXACT_MASK] = np.bincount(table.class_ids[inexact], minlength=len(categories))
    return {
        **{name: _shares(shares[:, chosen].T, chosen) for name, chosen in members.items()},
        "per_class": {
            category.name: _shares(shares[:, [i]].T, occurs[[i]])
            for i, category in enumerate(categories)
        },
        "segments": {
            name: dict(zip(KINDS, counts[:, chosen].sum(axis=1).tolist(), strict=True))
            for name, chosen in members.items()
        },
    }


def fixes_results(
    before: PanopticQualityResult,
    after: dict[str, PanopticQualityResult],
    categories: Categories,
) -> dict[str, Any]:
    """Returns `fixes` of results.json.

    Args:
      after: kind -> quality with all errors of the kind mended.

    Returns:
      kind -> `all`, `things` and `stuff`, each with `pq` in percent after the fix and `gain`, its
      difference to PQ before; and `per_class`, class -> the same. None for a group or class that
      does not occur. A group can also gain because a class that was only invented is gone.
    """
    return {
        kind: {
            **{name: _gain(getattr(before, name).pq, getattr(found, name).pq) for name in GROUPS},
            "per_class": {
                category.name: _gain(before.pq[i], found.pq[i])
                for i, category in enumerate(categories)
            },
        }
        for kind, found in after.items()
    }


def _shares(shares: np.ndarray, occurs: np.ndarray) -> dict[str, float] | None:
    """Averages the rows of `shares`, `[classes, kinds]`."""
    if not occurs.any():
        return None
    means = shares.mean(axis=0)
    return dict(zip(KINDS, means.tolist(), strict=True)) | {"total": float(means.sum())}


def _gain(before: float, after: float) -> dict[str, float | None] | None:
    if np.isnan(before):
        return None
    if np.isnan(after):  # Only invented segments, which are gone.
        return {"pq": None, "gain": None}
    return {"pq": 100 * float(after), "gain": 100 * float(after) - 100 * float(before)}


def _members(occurs: np.ndarray, categories: Categories) -> dict[str, np.ndarray]:
    is_thing = np.asarray(categories.is_thing, np.bool_)
    return {"all": occurs, "things": occurs & is_thing, "stuff": occurs & ~is_thing}
