"""The score of a constant answer is the panoptic quality of its map."""

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.baselines.constant_answer import ConstantAnswer
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.types import Segment

CATEGORIES = Categories.from_coco(
    [
        {"id": 1, "name": "cell", "isthing": 1},
        {"id": 2, "name": "sky", "isthing": 0},
        {"id": 3, "name": "grass", "isthing": 0},
    ],
    "here",
)


def random_truth(seed: int) -> tuple[np.ndarray, list[int], list[bool]]:
    rng = np.random.default_rng(seed)
    numbers = np.full([20, 24], 1)
    for number in range(2, 5):
        y, x = rng.integers(0, 12, 2)
        numbers[y : y + rng.integers(1, 12), x : x + rng.integers(1, 14)] = number
    numbers[:, : rng.integers(0, 12)] = 0
    present = np.unique(numbers[numbers > 0])
    table = np.zeros(6, int)
    table[present] = np.arange(1, len(present) + 1)
    classes = rng.integers(0, 3, len(present)).tolist()
    return table[numbers], classes, (rng.random(len(present)) < 0.2).tolist()


def truth_list(classes, crowds) -> list[Segment]:
    pairs = enumerate(zip(classes, crowds))
    return [Segment(id=i + 1, class_id=c, is_crowd=crowd) for i, (c, crowd) in pairs]


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_the_best_constant_answer_is_that_of_the_metric(first):
    pictures = [random_truth(seed) for seed in range(first, first + 8)]
    pictures = [(m, c, k) for m, c, k in pictures if sum(k) <= 1]  # Only the last crowd forgives.
    answer = ConstantAnswer(CATEGORIES)
    qualities = [PanopticQuality(3, CATEGORIES.is_thing) for _ in range(3)]
    for segment_map, classes, crowds in pictures:
        areas = np.bincount(segment_map.ravel(), minlength=len(classes) + 1)
        answer.add(classes, crowds, areas)
        for class_id, quality in enumerate(qualities):
            everywhere = [Segment(id=1, class_id=class_id)]
            truth = truth_list(classes, crowds)
            quality.update(segment_map, truth, np.ones_like(segment_map), everywhere)
    expected = [100 * quality.result().all.pq for quality in qualities]
    found = answer.result()
    assert found["pq"] == pytest.approx(max(expected), rel=1e-12)
    assert expected[CATEGORIES.names.index(found["class"])] == pytest.approx(max(expected))


def test_without_segments_there_is_no_constant_answer():
    answer = ConstantAnswer(CATEGORIES)
    answer.add([], [], np.array([100]))
    assert answer.result() is None
