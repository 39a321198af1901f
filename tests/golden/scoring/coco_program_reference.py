"""COCO's panoptic evaluation in plain loops, with its order of additions and its oddities.

It shares no code with the package. Areas of the truth are those of the JSON file; of repeated
segment ids the last one counts; of several crowds of a class only the last one forgives.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image


def coco_program(truth: Path, truth_png: Path, pred: Path, pred_png: Path) -> dict:
    """Returns group -> (pq, sq, rq, number of classes), None for a group without a class."""
    content = json.loads(truth.read_text())
    classes = {entry["id"]: entry["isthing"] for entry in content["categories"]}
    found = {entry["image_id"]: entry for entry in json.loads(pred.read_text())["annotations"]}
    sums = {class_id: [0.0, 0, 0, 0] for class_id in classes}
    for entry in content["annotations"]:
        other = found[entry["image_id"]]
        maps = _ids(truth_png / entry["file_name"]), _ids(pred_png / other["file_name"])
        _add_picture(sums, maps, _by_id(entry), _by_id(other))
    kinds = {"all": (0, 1), "things": (1,), "stuff": (0,)}
    return {
        group: _average([sums[c] for c, isthing in classes.items() if isthing in kind])
        for group, kind in kinds.items()
    }


def _ids(path: Path) -> np.ndarray:
    pixels = np.array(Image.open(path).convert("RGB")).astype(np.int64)
    return pixels[..., 0] + 256 * pixels[..., 1] + 65536 * pixels[..., 2]


def _by_id(entry: dict) -> dict:
    return {info["id"]: info for info in entry["segments_info"]}


def _add_picture(sums: dict, maps: tuple, truth: dict, predicted: dict) -> None:
    overlaps = Counter(zip(maps[0].ravel().tolist(), maps[1].ravel().tolist(), strict=True))
    areas = Counter(maps[1].ravel().tolist())
    found_truth, found_predicted = set(), set()
    for (t, p), shared in sorted(overlaps.items()):
        if t not in truth or p not in predicted or truth[t]["iscrowd"] == 1:
            continue
        if truth[t]["category_id"] != predicted[p]["category_id"]:
            continue
        union = areas[p] + truth[t]["area"] - shared - overlaps[0, p]
        iou = shared / union
        if iou > 0.5:
            sums[truth[t]["category_id"]][0] += iou
            sums[truth[t]["category_id"]][1] += 1
            found_truth.add(t)
            found_predicted.add(p)
    crowds = {}
    for t, info in truth.items():
        if t in found_truth:
            continue
        if info["iscrowd"] == 1:
            crowds[info["category_id"]] = t
        else:
            sums[info["category_id"]][3] += 1
    for p, info in predicted.items():
        if p in found_predicted:
            continue
        forgiven = overlaps[0, p]
        if info["category_id"] in crowds:
            forgiven += overlaps[crowds[info["category_id"]], p]
        if forgiven / areas[p] <= 0.5:
            sums[info["category_id"]][2] += 1


def _average(classes: list) -> tuple[float, float, float, int] | None:
    total, count = [0, 0, 0], 0
    for iou_sum, tp, fp, fn in classes:
        if tp + fp + fn == 0:
            continue
        count += 1
        weight = tp + 0.5 * fp + 0.5 * fn
        qualities = iou_sum / weight, iou_sum / tp if tp else 0, tp / weight
        total = [old + new for old, new in zip(total, qualities, strict=True)]
    return (*(value / count for value in total), count) if count else None
