"""Boundary quality and AP against one mask per segment: OpenCV-like erosion, and pycocotools."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from maskconver_tf.evaluation.scoring.ap_resamples import resampled_average_precision
from maskconver_tf.evaluation.scoring.counting.detections import average_precision, match_detections
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.intervals import draw_weights
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score import score_files
from maskconver_tf.evaluation.scoring.score_pictures import score_pictures
from tests.golden.scoring.adversarial_files import (
    CATEGORIES,
    Files,
    adversarial_pictures,
    write_files,
)


def results_of(files: Files) -> dict:
    return score_files(coco_pairs(files[:2], [files[2:]]), 1, boundary=True).results


def ids_of(folder, entry: dict) -> np.ndarray:
    return np.asarray(Image.open(folder / entry["file_name"])).astype(np.int64) @ [1, 256, 65536]


def annotations(path) -> dict:
    return {entry["image_id"]: entry for entry in json.loads(path.read_text())["annotations"]}


# ---- Boundary quality ----------------------------------------------------------------------------
def boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask that d erosions by a square of 3 x 3 remove."""
    kept = np.pad(mask, 1)
    for _ in range(max(1, round(0.02 * np.hypot(*mask.shape)))):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(kept, 1), (3, 3))
        kept = windows.all(axis=(2, 3))
    return mask & ~kept[1:-1, 1:-1]


def boundary_quality(files: Files) -> dict:
    """Class -> (sum of the smaller of both IoUs, tp, fp, fn), with one mask per segment."""
    found, sums = annotations(files.pred), {c["id"]: [0.0, 0, 0, 0] for c in CATEGORIES}
    for image_id, entry in annotations(files.truth).items():
        maps = ids_of(files.truth_png, entry), ids_of(files.pred_png, found[image_id])
        void, lone = maps[0] == 0, {info["id"]: info for info in found[image_id]["segments_info"]}
        crowds, missed = {}, []
        for info in entry["segments_info"]:
            truth = maps[0] == info["id"]
            if info["iscrowd"]:
                crowds[info["category_id"]] = truth
                continue
            missed.append(info)
            for other in list(lone.values()):
                predicted = maps[1] == other["id"]
                iou = min(
                    iou_of(truth, predicted & ~void),
                    iou_of(boundary(truth), boundary(predicted) & ~void),
                )
                if other["category_id"] == info["category_id"] and iou > 0.5:
                    sums[info["category_id"]][0] += iou
                    sums[info["category_id"]][1] += 1
                    del lone[other["id"]]
                    missed.pop()
                    break
        for info in missed:
            sums[info["category_id"]][3] += 1
        for other in lone.values():
            mask = maps[1] == other["id"]
            free = void | crowds.get(other["category_id"], np.zeros_like(void))
            sums[other["category_id"]][2] += 2 * (mask & free).sum() <= mask.sum()
    return sums


def iou_of(a: np.ndarray, b: np.ndarray) -> float:
    union = (a | b).sum()
    return (a & b).sum() / union if union else 0.0


@pytest.mark.parametrize("seed", range(4))
def test_boundary_quality_is_that_of_masks(tmp_path, seed):
    files = write_files(tmp_path, adversarial_pictures(seed))
    results, num_tp = results_of(files), 0
    for category in CATEGORIES:
        iou_sum, tp, fp, fn = boundary_quality(files)[category["id"]]
        weight, found = tp + fp / 2 + fn / 2, results["per_class"][category["name"]]
        expected = 100 * iou_sum / weight if weight else None
        assert found["boundary_pq"] == pytest.approx(expected, abs=1e-9)
        num_tp += tp
    assert num_tp > 3
    assert results["boundary"]["all"]["pq"] < results["all"]["pq"]


# ---- AP ------------------------------------------------------------------------------------------
def masks(files: Files) -> tuple[COCO, COCO]:
    """Both sides as COCO's instances, predictions without their pixels on void."""
    sides = []
    for path, folder in ((files.truth, files.truth_png), (files.pred, files.pred_png)):
        entries = []
        for image_id, entry in annotations(path).items():
            ids = ids_of(folder, entry)
            void = ids_of(files.truth_png, annotations(files.truth)[image_id]) == 0
            for info in entry["segments_info"]:
                mask = (ids == info["id"]) & ~void
                if info["category_id"] in (3, 7, 8) and mask.any():
                    encoded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
                    entries.append(
                        info
                        | {"id": len(entries) + 1, "image_id": image_id, "segmentation": encoded}
                        | {"area": int(mask.sum())}
                    )
        coco = COCO()
        things = [category for category in CATEGORIES if category["isthing"]]
        images = [{"id": i, "height": 1, "width": 1} for i in annotations(path)]
        coco.dataset = {"images": images, "annotations": entries, "categories": things}
        coco.createIndex()
        sides.append(coco)
    return tuple(sides)


@pytest.mark.parametrize("seed", range(3))
def test_ap_is_that_of_pycocotools_with_masks(tmp_path, seed):
    files = write_files(tmp_path, adversarial_pictures(seed))
    evaluation = COCOeval(*masks(files), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    names = ("ap", "ap_50", "ap_75", "ap_small")
    expected = [100 * value for value in evaluation.stats[:4]]
    found = results_of(files)["instance_ap"]
    assert [found[name] for name in names] == pytest.approx(expected, abs=1e-9)
    assert found["ap_large"] is None and found["ap"] > 1


def test_without_a_score_there_is_no_ap(tmp_path):
    files = write_files(tmp_path, adversarial_pictures(0))
    content = json.loads(files.pred.read_text())
    for entry in content["annotations"]:
        for info in entry["segments_info"]:
            del info["score"]
    files.pred.write_text(json.dumps(content))
    assert results_of(files)["instance_ap"] is None


def test_resampled_ap_is_that_of_repeated_pictures(tmp_path):
    files = write_files(tmp_path, adversarial_pictures(1))
    pairs = coco_pairs(files[:2], [files[2:]])
    rules = ScoringRules(pairs.categories.is_thing)
    scored = list(score_pictures(pairs.pairs, rules, 1))
    pictures = sorted(scored, key=lambda picture: json.dumps(picture.image_id))
    detections = [picture.counts[0].detections for picture in pictures]
    weights = draw_weights(len(detections), 4)
    samples = resampled_average_precision(match_detections(detections, rules.is_thing), weights)
    for number, row in enumerate(weights.tolist()):
        repeated = [d for d, times in zip(detections, row, strict=True) for _ in range(times)]
        values, _ = average_precision(match_detections(repeated, rules.is_thing))
        for name in ("ap", "ap_50", "ap_75"):
            assert samples[f"instance_ap/{name}"][number] == pytest.approx(values[name], abs=1e-9)
