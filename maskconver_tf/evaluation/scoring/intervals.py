"""95 % intervals of scores by the bootstrap over pictures (Efron, 1979).

A resample draws as many pictures as there are, with replacement; the interval of a score is that
of the middle 95 % of its values over the resamples. Two models are scored on the same resamples, so
the interval of their difference leaves out what both share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from maskconver_tf.evaluation.scoring.counting.scoring_rules import MEASURES
from maskconver_tf.evaluation.scoring.score_tables import ScoreTables

NUM_RESAMPLES = 1000
_BLOCK = 256
"""Pictures whose counts are made dense at a time."""

Samples = dict[str, np.ndarray]
"""Name of a score, such as "all/pq" -> its value in each resample, 0..1, `[R]`."""


def draw_weights(num_pictures: int, num_resamples: int = NUM_RESAMPLES) -> np.ndarray:
    """Returns how often each resample draws each picture, float64 `[R, pictures]`.

    The draws are always the same, so that the same files give the same intervals.
    """
    generator = np.random.default_rng(0)
    weights = np.empty((num_resamples, num_pictures), np.uint8 if num_pictures < 256 else np.uint16)
    for row in weights:
        drawn = generator.integers(0, num_pictures, num_pictures)
        row[:] = np.bincount(drawn, minlength=num_pictures)
    return weights


def resampled_scores(tables: ScoreTables, weights: np.ndarray, with_boundary: bool) -> Samples:
    """Computes the headline scores in each resample."""
    count = len(tables.is_thing)
    measures = {"": 0} | ({"boundary/": MEASURES.index("boundary")} if with_boundary else {})
    samples: Samples = {}
    for prefix, measure in measures.items():
        totals = panoptic_totals(tables, weights, measure)
        samples |= _group_scores(totals, tables.is_thing, prefix)
    pixels = _totals(tables.pixels, weights, count)
    return samples | _semantic_scores(pixels)


def panoptic_totals(tables: ScoreTables, weights: np.ndarray, measure: int = 0) -> np.ndarray:
    """Adds up the counts of a measure in each resample; float64 `[R, C, columns]`."""
    rows, count = tables.matches, len(tables.is_thing)
    here = rows.keys // count == measure
    part = rows.pictures[here], rows.keys[here] % count, rows.counts[here]
    return _totals(part, weights, count)


def interval(values: np.ndarray) -> tuple[float, float] | None:
    """Returns the middle 95 % of the resampled values that are known; None if none is."""
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def percents(bounds: tuple[float, float] | None) -> list[float] | None:
    """Returns an interval in percent, as results.json has it."""
    return None if bounds is None else [100.0 * bound for bound in bounds]


def _totals(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], weights: np.ndarray, count: int
) -> np.ndarray:
    """Adds up weighted counts; float64 `[R, C, columns]`. Products and sums are exact."""
    columns = rows[2].shape[1]
    totals = np.zeros((len(weights), count * columns))
    for start, dense in _dense_blocks(rows, weights.shape[1], count, columns):
        totals += weights[:, start : start + len(dense)].astype(np.float64) @ dense
    return totals.reshape(len(weights), count, columns)


def _dense_blocks(
    rows: Sequence[np.ndarray], num_pictures: int, count: int, columns: int
) -> Iterator[tuple[int, np.ndarray]]:
    pictures, keys, counts = rows
    for start in range(0, num_pictures, _BLOCK):
        first, last = np.searchsorted(pictures, [start, start + _BLOCK])
        dense = np.zeros((min(_BLOCK, num_pictures - start), count, columns))
        dense[pictures[first:last] - start, keys[first:last]] = counts[first:last]
        yield start, dense.reshape(len(dense), -1)


def _group_scores(totals: np.ndarray, is_thing: np.ndarray, prefix: str) -> Samples:
    iou_sum, tp = totals[..., 0] + totals[..., 1], totals[..., 2]
    weight = tp + 0.5 * totals[..., 3] + 0.5 * totals[..., 4]
    occurs, safe = weight > 0, np.maximum(weight, 0.5)
    scores = {"pq": iou_sum / safe, "sq": iou_sum / np.maximum(tp, 1), "rq": tp / safe}
    groups = {"all": occurs, "things": occurs & is_thing, "stuff": occurs & ~is_thing}
    return {
        f"{prefix}{group}/{name}": _means(values, members)
        for group, members in groups.items()
        for name, values in scores.items()
    }


def _semantic_scores(totals: np.ndarray) -> Samples:
    right, truth, predicted = np.moveaxis(totals, -1, 0)
    unions = truth + predicted - right
    labelled = truth.sum(axis=1)
    accuracy = np.where(labelled > 0, right.sum(axis=1) / np.maximum(labelled, 1), np.nan)
    mean = _means(right / np.maximum(unions, 1), unions > 0)
    return {"semantic/mean_iou": mean, "semantic/pixel_accuracy": accuracy}


def _means(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Averages over the classes that occur in each resample; NaN without one."""
    counts = members.sum(axis=1)
    sums = np.sum(values, axis=1, where=members)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
