"""Builds the content of the result files of `maskconver score`: docs/evaluation.md describes it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.panoptic_quality import PanopticQualityResult
from maskconver_tf.evaluation.results import results_dict
from maskconver_tf.evaluation.scoring.ap_resamples import RESAMPLED_AP
from maskconver_tf.evaluation.scoring.coco_program import coco_result
from maskconver_tf.evaluation.scoring.counting.detections import average_precision
from maskconver_tf.evaluation.scoring.intervals import Samples, interval, percents
from maskconver_tf.evaluation.scoring.lrp_error import lrp_errors
from maskconver_tf.evaluation.scoring.score_tables import ScoreTables

GROUPS = ("all", "things", "stuff")
SIZES = ("small", "medium", "large")
Results = dict[str, Any]


def panoptic_result(
    tables: ScoreTables, categories: Categories, strict: bool
) -> PanopticQualityResult:
    """Returns the panoptic quality; `strict` for that of COCO's program."""
    quality = tables.quality()
    if strict:
        return coco_result(quality, tables.ious, tables.iou_classes, categories.is_thing)
    return quality.result()


def model_results(
    tables: ScoreTables,
    panoptic: PanopticQualityResult,
    categories: Categories,
    samples: Samples,
    boundary: bool,
) -> Results:
    """Returns all scores of one model in percent.

    Args:
      panoptic: what `panoptic_result` returns.
      samples: the resampled headline scores, for the intervals.
      boundary: boundary quality was counted.
    """
    results = _with_intervals(results_dict(panoptic, categories), samples, "")
    semantic = tables.mean_iou()
    for category, iou in zip(categories, semantic.iou.tolist(), strict=True):
        results["per_class"][category.name]["iou"] = _percent(iou)
    _add_lrp_errors(results, panoptic, categories)
    results["by_size"] = {
        size: _groups(tables.quality(size).result(), categories) for size in SIZES
    }
    if boundary:
        quality = tables.quality("boundary").result()
        results["boundary"] = _with_intervals(_groups(quality, categories), samples, "boundary/")
        for category, pq in zip(categories, quality.pq.tolist(), strict=True):
            results["per_class"][category.name]["boundary_pq"] = _percent(pq)
    values = {"mean_iou": semantic.mean_iou, "pixel_accuracy": semantic.pixel_accuracy}
    results["semantic"] = {name: _percent(value) for name, value in values.items()}
    results["semantic"]["interval"] = {
        name: percents(interval(samples[f"semantic/{name}"])) for name in values
    }
    results["instance_ap"] = _add_average_precision(results, tables, categories, samples)
    results["coco_program"] = _coco_program(tables, panoptic, categories)
    return results


def difference(samples: Samples, other: Samples, results: Results, against: Results) -> Results:
    """Returns first minus second model: score -> difference in percent and its interval."""
    found = {}
    for name in (name for name in samples if name in other):
        values = [_look_up(content, name) for content in (results, against)]
        found[name] = {
            "difference": None if None in values else values[0] - values[1],
            "interval": percents(interval(samples[name] - other[name])),
        }
    return found


def picture_rows(tables: ScoreTables, categories: Categories) -> list[dict[str, Any]]:
    """Returns id, file, PQ, SQ and RQ over the classes of each picture, and its TP, FP and FN."""
    count = len(categories)
    here = tables.matches.keys < count
    pictures, counts = tables.matches.pictures[here], tables.matches.counts[here]
    iou_sum, tp, wrong = counts[:, 0] + counts[:, 1], counts[:, 2], counts[:, 3:].sum(axis=1)
    weight = tp + 0.5 * wrong
    columns = {"pq": iou_sum / weight, "sq": iou_sum / np.maximum(tp, 1), "rq": tp / weight}
    number = len(tables.image_ids)
    classes = np.bincount(pictures, minlength=number)
    means = {
        name: (100 * np.bincount(pictures, column, number) / np.maximum(classes, 1)).tolist()
        for name, column in columns.items()
    }
    sums = {
        name: np.bincount(pictures, counts[:, i], number).astype(int).tolist()
        for i, name in enumerate(("tp", "fp", "fn"), start=2)
    }
    return [
        {"image_id": image_id, "file": tables.files[i]}
        | {name: values[i] if classes[i] else None for name, values in means.items()}
        | {name: values[i] for name, values in sums.items()}
        for i, image_id in enumerate(tables.image_ids)
    ]


def _groups(result: PanopticQualityResult, categories: Categories) -> Results:
    found = results_dict(result, categories)
    return {name: found[name] for name in GROUPS}


def _with_intervals(results: Results, samples: Samples, prefix: str) -> Results:
    for group in GROUPS:
        results[group]["interval"] = {
            name: percents(interval(samples[f"{prefix}{group}/{name}"]))
            for name in ("pq", "sq", "rq")
        }
    return results


def _add_lrp_errors(
    results: Results, panoptic: PanopticQualityResult, categories: Categories
) -> None:
    errors = lrp_errors(panoptic)
    is_thing = np.asarray(categories.is_thing, np.bool_)
    for name, members in zip(GROUPS, (is_thing | True, is_thing, ~is_thing), strict=True):
        found = errors[members & ~np.isnan(errors)]
        results[name]["lrp"] = _percent(found.mean()) if found.size else None
    for category, error in zip(categories, errors.tolist(), strict=True):
        results["per_class"][category.name]["lrp"] = _percent(error)


def _add_average_precision(
    results: Results, tables: ScoreTables, categories: Categories, samples: Samples
) -> Results | None:
    if tables.evaluation is None:
        return None
    found, by_class = average_precision(tables.evaluation)
    for class_id, value in by_class.items():
        results["per_class"][categories[class_id].name]["ap"] = _percent(value)
    values = {name: _percent(value) for name, value in found.items()}
    return values | {
        "interval": {
            name: percents(interval(samples[f"instance_ap/{name}"])) for name in RESAMPLED_AP
        }
    }


def _coco_program(
    tables: ScoreTables, ours: PanopticQualityResult, categories: Categories
) -> Results:
    """Says what COCO's program would give, and why it differs."""
    theirs = _groups(tables.coco_quality().result(), categories)
    first = next(iter(tables.wrong_areas), None)
    return {
        "pq": {group: theirs[group]["pq"] for group in GROUPS},
        "difference": {
            group: None
            if theirs[group]["pq"] is None
            else theirs[group]["pq"] - 100 * getattr(ours, group).pq
            for group in GROUPS
        },
        "pictures_with_other_areas": len(tables.wrong_areas),
        "first_segment_with_other_area": first
        and {"image_id": tables.image_ids[first[0]], "segment_id": first[1]},
    }


def _look_up(results: Results, name: str) -> float | None:
    found: Any = results
    for part in name.split("/"):
        found = found[part]
    return found


def _percent(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else 100.0 * float(value)
