"""A threshold finds things that stand apart, and none that touch."""

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.baselines.threshold_answer import (
    MIN_AREA,
    ThresholdAnswer,
    otsu_threshold,
)
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.inference.connected_parts import connected_parts
from maskconver_tf.types import Segment

CATEGORIES = Categories.from_coco(
    [
        {"id": 1, "name": "cell", "isthing": 1},
        {"id": 2, "name": "sky", "isthing": 0},
        {"id": 3, "name": "grass", "isthing": 0},
        {"id": 4, "name": "bird", "isthing": 1},
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
    found = answer.result(np.array([2, 1, 0, 0]))
    assert found == {"things_are": kind, "pq": 100.0, "pq_things": 100.0, "num_pictures": 1}


def test_a_threshold_cannot_split_things_that_touch():
    answer = ThresholdAnswer(CATEGORIES)
    segment_map = np.full([40, 40], 3)
    segment_map[10:30, 5:20], segment_map[10:30, 20:35] = 1, 2
    gray = np.where(segment_map < 3, 220, 30).astype(np.uint8)
    answer.add(gray, segment_map, [0, 0, 1], [False] * 3)
    found = answer.result(np.array([2, 1, 0, 0]))
    assert found["pq_things"] == 0.0
    assert found["pq"] == pytest.approx(50.0)


def test_without_stuff_the_rest_is_void():
    answer = ThresholdAnswer(Categories.from_names(["cell"]))
    gray, segment_map, _ = squares(True)
    answer.add(gray, np.where(segment_map == 3, 0, segment_map), [0, 0], [False] * 2)
    assert answer.result(np.array([2]))["pq"] == 100.0
    assert answer.result(np.array([0])) is None


def random_picture(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Brightness, map, classes and crowds of rectangles on void; at most one crowd."""
    rng = np.random.default_rng(seed)
    numbers = np.full([30, 34], 1)
    gray = rng.integers(0, 256, (10, 17)).repeat(3, axis=0).repeat(2, axis=1)
    for number in range(2, 7):
        y, x = rng.integers(0, 24, 2)
        where = np.s_[y : y + rng.integers(2, 14), x : x + rng.integers(2, 14)]
        numbers[where], gray[where] = number, rng.integers(0, 256)
    numbers[:, : rng.integers(0, 12)] = 0
    present = np.unique(numbers[numbers > 0])
    table = np.zeros(8, int)
    table[present] = np.arange(1, len(present) + 1)
    crowds = np.zeros(len(present), np.bool_)
    crowds[:1] = seed % 3 == 0
    return gray.astype(np.uint8), table[numbers], rng.integers(0, 4, len(present)), crowds


def predicted(bright: np.ndarray, thing: int, stuff: int | None):
    """The map of the answer: connected parts of `MIN_AREA` and more, and the rest."""
    parts, _ = connected_parts(bright.astype(np.int32))
    answer, segments = np.zeros(bright.shape, int), []
    for part in range(1, parts.max() + 1):
        if (parts == part).sum() >= MIN_AREA:
            segments.append(Segment(id=len(segments) + 1, class_id=thing))
            answer[parts == part] = len(segments)
    if stuff is not None and (answer == 0).any():
        segments.append(Segment(id=len(segments) + 1, class_id=stuff))
        answer[answer == 0] = len(segments)
    return answer, segments


@pytest.mark.parametrize("has_stuff", [True, False])
@pytest.mark.parametrize("first", range(0, 36, 6))
def test_the_score_is_that_of_the_metric_on_the_map_of_the_answer(first, has_stuff):
    pictures = [random_picture(seed) for seed in range(first, first + 6)]
    counts = sum(np.bincount(classes, minlength=4) for _, _, classes, _ in pictures)
    counts = counts * (np.asarray(CATEGORIES.is_thing) | has_stuff)
    thing = (0, 3)[int(counts[3] > counts[0])]
    stuff = (1, 2)[int(counts[2] > counts[1])] if has_stuff else None
    answer, scores = ThresholdAnswer(CATEGORIES), []
    for gray, segment_map, classes, crowds in pictures:
        answer.add(gray, segment_map, classes, crowds)
    for is_dark in (False, True):
        quality = PanopticQuality(4, CATEGORIES.is_thing)
        for gray, segment_map, classes, crowds in pictures:
            pairs = enumerate(zip(classes, crowds), start=1)
            truth = [Segment(number, int(c), bool(crowd)) for number, (c, crowd) in pairs]
            bright = (gray > otsu_threshold(gray)) != is_dark
            quality.update(segment_map, truth, *predicted(bright, thing, stuff))
        result = quality.result()
        scores.append((100 * result.things.pq, 100 * result.all.pq))
    found = answer.result(counts)
    assert (found["pq_things"], found["pq"]) == pytest.approx(max(scores), rel=1e-9)


def test_the_order_of_the_pictures_changes_no_bit():
    pictures = [random_picture(seed) for seed in range(30)]
    found = []
    for order in (1, -1):
        answer = ThresholdAnswer(CATEGORIES)
        for picture in pictures[::order]:
            answer.add(*picture)
        found.append(answer.result(np.array([9, 5, 5, 8])))
    assert found[0] == found[1]


def test_the_threshold_of_otsu_lies_between_two_groups():
    gray = np.array([[10, 12, 14, 200, 210, 220]], np.uint8)
    assert 14 <= otsu_threshold(gray) < 200
    assert otsu_threshold(np.full([4, 4], 7, np.uint8)) in range(256)
