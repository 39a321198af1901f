"""Average precision of the things (COCO's mask AP) from the overlaps of panoptic maps.

pycocotools computes AP. It gets the IoUs of each picture, which are known from the overlaps, so no
mask is encoded.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from maskconver_tf.evaluation.scoring.reading.sides import Side

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

AP_NAMES = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")


class Detections(NamedTuple):
    """The things of one picture.

    Attributes:
      intersections: int64 `[G, D]`, common pixels.
      truth_classes, truth_areas, is_crowd: `[G]`.
      classes, areas, scores: `[D]`. An area has no pixels on void.
    """

    intersections: np.ndarray
    truth_classes: np.ndarray
    truth_areas: np.ndarray
    is_crowd: np.ndarray
    classes: np.ndarray
    areas: np.ndarray
    scores: np.ndarray


def detections_of(
    truth: Side, predicted: Side | None, overlaps: np.ndarray, is_thing: np.ndarray
) -> Detections | None:
    """Returns the things of a picture; None if a predicted thing has no score.

    Predictions that are wholly on void are left out: nothing tells whether they are right.
    """
    if predicted is None:
        none = np.zeros(0, np.int64)
        classes, scores, areas = none, none.astype(np.float64), none
    else:
        classes, scores = predicted.class_ids, predicted.scores
        areas = overlaps[1:, 1:].sum(axis=0)
    if np.isnan(scores[is_thing[classes]]).any():
        return None
    rows = np.flatnonzero(is_thing[truth.class_ids])
    columns = np.flatnonzero(is_thing[classes] & (areas > 0))
    return Detections(
        overlaps[np.ix_(rows + 1, columns + 1)],
        truth.class_ids[rows],
        overlaps[1:].sum(axis=1)[rows],
        truth.is_crowd[rows],
        classes[columns],
        areas[columns],
        scores[columns],
    )


def match_detections(pictures: Sequence[Detections], is_thing: np.ndarray) -> COCOeval:
    """Matches the predicted things of each picture by pycocotools, at most 100 of a class.

    Args:
      pictures: in an order that does not depend on the run; equal scores keep it.
      is_thing: bool `[C]`.

    Returns:
      the evaluation before `accumulate`; its classes are the thing classes.
    """
    from pycocotools.cocoeval import COCOeval

    evaluation = COCOeval(iouType="segm")
    evaluation.params.imgIds = list(range(len(pictures)))
    evaluation.params.catIds = np.flatnonzero(is_thing).tolist()
    evaluation._paramsEval = evaluation.params
    _fill(evaluation, pictures)
    return evaluation


def average_precision(
    evaluation: COCOeval,
) -> tuple[dict[str, float | None], dict[int, float | None]]:
    """Computes AP as pycocotools does.

    Returns:
      `AP_NAMES` -> value 0..1, None without a true thing (of that size); and the same for AP of
      each thing class.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
        evaluation.summarize()
    values = {name: _known(evaluation.stats[i]) for i, name in enumerate(AP_NAMES)}
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [thresholds, recalls, classes]
    by_class = {}
    for number, class_id in enumerate(evaluation.params.catIds):
        of_class = precision[:, :, number]
        by_class[class_id] = float(of_class.mean()) if (of_class > -1).all() else None
    return values, by_class


def _fill(evaluation: COCOeval, pictures: Sequence[Detections]) -> None:
    """Evaluates each picture; `evalImgs` is ordered by class, area range and picture."""
    params = evaluation.params
    number = {class_id: i for i, class_id in enumerate(params.catIds)}
    count, ranges = len(pictures), params.areaRng
    evaluation._gts, evaluation._dts, evaluation.ious = {}, {}, {}
    evaluation.evalImgs = [None] * (len(number) * len(ranges) * count)
    for image, things in enumerate(pictures):
        for class_id in np.unique(np.append(things.truth_classes, things.classes)).tolist():
            _add_class(evaluation, things, image, class_id)
            for j, bounds in enumerate(ranges):
                at = (number[class_id] * len(ranges) + j) * count + image
                found = evaluation.evaluateImg(image, class_id, bounds, params.maxDets[-1])
                evaluation.evalImgs[at] = _what_counts(found)
        for given in (evaluation._gts, evaluation._dts, evaluation.ious):
            given.clear()


def _what_counts(found: dict | None) -> dict | None:
    """Returns the fields that `accumulate` reads; None if all segments are ignored.

    pycocotools keeps three times as much of each picture. A picture where all is ignored changes
    no score.
    """
    if found is None or (np.all(found["gtIgnore"]) and np.all(found["dtIgnore"])):
        return None
    return {
        "dtScores": found["dtScores"],
        "dtMatches": found["dtMatches"] > 0,
        "dtIgnore": found["dtIgnore"],
        "gtIgnore": found["gtIgnore"],
    }


def _add_class(evaluation: COCOeval, things: Detections, image: int, class_id: int) -> None:
    rows = np.flatnonzero(things.truth_classes == class_id)
    columns = np.flatnonzero(things.classes == class_id)
    order = np.lexsort((-things.areas[columns], -things.scores[columns]))
    columns = columns[order][: evaluation.params.maxDets[-1]]
    intersections = things.intersections[np.ix_(rows, columns)].T  # [D, G]
    areas, truth_areas = things.areas[columns], things.truth_areas[rows]
    is_crowd = things.is_crowd[rows]
    unions = np.where(is_crowd, areas[:, None], areas[:, None] + truth_areas - intersections)
    key = image, class_id
    evaluation.ious[key] = intersections / np.maximum(unions, 1) if unions.size else []
    evaluation._gts[key] = [
        {"id": i + 1, "area": area, "iscrowd": int(crowd), "ignore": int(crowd)}
        for i, (area, crowd) in enumerate(zip(truth_areas.tolist(), is_crowd.tolist(), strict=True))
    ]
    evaluation._dts[key] = [
        {"id": i + 1, "area": area, "score": score}
        for i, (area, score) in enumerate(
            zip(areas.tolist(), things.scores[columns].tolist(), strict=True)
        )
    ]


def _known(value: float) -> float | None:
    """pycocotools gives -1 where there is nothing to find."""
    return None if value < 0 else float(value)
