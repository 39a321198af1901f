"""Totals of all pictures: sizes and mIoU."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.evaluation.mean_iou import MeanIou
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score_pictures import score_pictures
from maskconver_tf.evaluation.scoring.score_tables import collect
from tests.golden.scoring.adversarial_files import CATEGORIES, adversarial_pictures, write_files
from tests.unit.evaluation.scoring.small_files import write_map


def tables_of(sides):
    pairs = coco_pairs(sides[0], [sides[1]])
    rules = ScoringRules(pairs.categories.is_thing)
    return collect(score_pictures(pairs.pairs, rules, 1), rules.is_thing)[0]


def test_mean_iou_is_that_of_class_maps(tmp_path):
    files = write_files(tmp_path, adversarial_pictures(3))
    expected = MeanIou(len(CATEGORIES) + 1)  # The last class is predicted void.
    found = {p.image_id: p for p in read_coco_panoptic(files.pred, files.pred_png)}
    for truth in read_coco_panoptic(files.truth, files.truth_png):
        predicted = _class_map(found[truth.image_id], len(CATEGORIES))
        expected.update(_class_map(truth, -1), predicted)
    result = tables_of((files[:2], files[2:])).mean_iou()
    assert result.iou == pytest.approx(expected.result().iou[:-1], nan_ok=True, abs=1e-12)
    assert result.pixel_accuracy == pytest.approx(expected.result().pixel_accuracy, abs=1e-12)


def _class_map(picture, void: int) -> np.ndarray:
    classes = np.full(picture.panoptic_map.shape, void)
    for segment in picture.segments:
        classes[picture.panoptic_map == segment.id] = segment.class_id
    return classes


def test_a_segment_has_the_size_of_the_truth_and_an_invented_one_its_own(files):
    """Truth of 1023 and 1024 pixels, found; a prediction of 9216 pixels, invented."""
    ids = np.zeros((200, 100), int)
    ids.ravel()[:1023] = 1
    ids.ravel()[2000:3024] = 2
    write_map(files.truth.with_suffix("") / "7.png", ids)
    ids.ravel()[10_000:19_216] = 3
    write_map(files.pred.with_suffix("") / "7.png", ids)
    for path in (files.truth, files.pred):
        with files.edit(path) as entries:
            del entries[1]
            for info in entries[0]["segments_info"]:
                info["category_id"] = 1
    with files.edit(files.pred) as entries:
        entries[0]["segments_info"].append({"id": 3, "category_id": 1})
    with files.edit(files.truth) as entries:
        entries[0]["segments_info"].append({"id": 4, "category_id": 2, "iscrowd": 1})
        ids[ids == 3] = 4
        write_map(files.truth.with_suffix("") / "7.png", ids)
    tables = tables_of([(path, path.with_suffix("")) for path in (files.truth, files.pred)])
    counts = {
        size: [int(getattr(tables.quality(size), name)[0]) for name in ("tp", "fp", "fn")]
        for size in ("small", "medium", "large")
    }
    assert counts == {"small": [1, 0, 0], "medium": [1, 0, 0], "large": [0, 1, 0]}


def test_sizes_add_up_to_the_whole(tmp_path):
    files = write_files(tmp_path, adversarial_pictures(5))
    tables = tables_of((files[:2], files[2:]))
    for name in ("tp", "fp", "fn", "iou_sum"):
        sizes = [getattr(tables.quality(size), name) for size in ("small", "medium", "large")]
        assert np.array_equal(sum(sizes), getattr(tables.quality(), name))
