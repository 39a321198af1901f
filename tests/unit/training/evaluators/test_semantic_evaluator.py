"""Scores of semantic segmentation, from pixels to the printed table."""

import numpy as np
import pytest

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.mean_iou import MeanIou
from maskconver_tf.evaluation.results import format_scores
from maskconver_tf.training.evaluators.semantic_evaluator import results_of, true_classes

CATEGORIES = Categories.from_coco(
    [
        {"id": 7, "name": "sky", "isthing": 0},
        {"id": 9, "name": "ball", "isthing": 1},
        {"id": 4, "name": "ring", "isthing": 1},
        {"id": 5, "name": "kite", "isthing": 1},
    ],
    "here",
)


def results(*pictures):
    quality = MeanIou(len(CATEGORIES))
    for truth, predicted in pictures:
        quality.update(np.array([truth]), np.array([predicted]))
    return results_of(quality.result(), CATEGORIES)


def test_groups_average_the_classes_that_occur():
    found = results(([0, 0, 1, 1, 2], [0, 0, 1, 0, 1]))
    iou = {name: scores["iou"] for name, scores in found["per_class"].items()}
    assert iou == {
        "sky": pytest.approx(200 / 3),
        "ball": pytest.approx(100 / 3),
        "ring": 0.0,
        "kite": None,
    }
    np.testing.assert_allclose(found["all"]["miou"], 100 / 3)
    np.testing.assert_allclose(found["things"]["miou"], 100 / 6)
    np.testing.assert_allclose(found["stuff"]["miou"], 200 / 3)
    np.testing.assert_allclose(found["all"]["pixel_accuracy"], 60)


def test_a_group_without_classes_is_left_out():
    assert set(results(([0], [0]))) == {"all", "stuff", "per_class"}
    nothing = results(([-1], [0]))
    assert set(nothing) == {"per_class"}
    assert format_scores(nothing) == "No score: nothing is labelled."


def test_the_table_has_groups_then_classes_from_best_to_worst():
    table = format_scores(results(([0, 0, 1, 1, 2], [0, 0, 1, 0, 1])))
    lines = [line.split() for line in table.splitlines() if line.strip(" -")]
    assert lines == [
        ["miou", "pixel_accuracy"],
        ["All", "33.3", "60.0"],
        ["Things", "16.7", "-"],
        ["Stuff", "66.7", "-"],
        ["class", "iou"],
        ["sky", "66.7"],
        ["ball", "33.3"],
        ["ring", "0.0"],
        ["Classes", "that", "occur", "nowhere", "and", "are", "not", "counted:", "1"],
    ]
    assert format_scores({"all": {"top_1": 50.0}}).splitlines()[-1].split() == ["All", "50.0"]


def test_truth_is_the_class_of_each_segment_and_void():
    example = {
        types.SEGMENT_MAP: np.array([[1, 2], [0, 1]]),
        types.SEGMENT_CLASS_IDS: np.array([3, 0]),
    }
    np.testing.assert_array_equal(true_classes(example), [[3, 0], [-1, 3]])
