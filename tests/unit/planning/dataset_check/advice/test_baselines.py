"""A threshold finds things that stand apart, and none that touch."""

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.planning.dataset_check.advice.baselines import (
    ThresholdAnswer,
    otsu_threshold,
)

CATEGORIES = Categories.from_coco(
    [
        {"id": 1, "name": "cell", "isthing": 1},
        {"id": 2, "name": "sky", "isthing": 0},
        {"id": 3, "name": "grass", "isthing": 0},
    ],
    "here",
)


def squares(bright: bool) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Two squares on sky, apart from each other."""
    segment_map = np.full([40, 40], 3)
    segment_map[4:14, 4:14], segment_map[20:34, 18:30] = 1, 2
    gray = np.where((segment_map < 3) == bright, 200, 40).astype(np.uint8)
    gray += np.random.default_rng(0).integers(0, 20, gray.shape, np.uint8)
    return gray, segment_map, [0, 0, 1]


@pytest.mark.parametrize(("bright", "kind"), [(True, "bright"), (False, "dark")])
def test_a_threshold_finds_things_that_stand_apart(bright, kind):
    answer = ThresholdAnswer(CATEGORIES)
    gray, segment_map, classes = squares(bright)
    answer.add(gray, segment_map, classes, [False] * 3)
    found = answer.to_json(np.array([2, 1, 0]))
    assert found == {"things_are": kind, "pq": 100.0, "pq_things": 100.0, "num_pictures": 1}


def test_a_threshold_cannot_split_things_that_touch():
    answer = ThresholdAnswer(CATEGORIES)
    segment_map = np.full([40, 40], 3)
    segment_map[10:30, 5:20], segment_map[10:30, 20:35] = 1, 2
    gray = np.where(segment_map < 3, 220, 30).astype(np.uint8)
    answer.add(gray, segment_map, [0, 0, 1], [False] * 3)
    found = answer.to_json(np.array([2, 1, 0]))
    assert found["pq_things"] == 0.0
    assert found["pq"] == pytest.approx(50.0)


def test_without_stuff_the_rest_is_void():
    answer = ThresholdAnswer(Categories.from_names(["cell"]))
    gray, segment_map, _ = squares(True)
    answer.add(gray, np.where(segment_map == 3, 0, segment_map), [0, 0], [False] * 2)
    assert answer.to_json(np.array([2]))["pq"] == 100.0
    assert answer.to_json(np.array([0])) is None


def test_the_threshold_of_otsu_lies_between_two_groups():
    gray = np.array([[10, 12, 14, 200, 210, 220]], np.uint8)
    assert 14 <= otsu_threshold(gray) < 200
    assert otsu_threshold(np.full([4, 4], 7, np.uint8)) in range(256)
