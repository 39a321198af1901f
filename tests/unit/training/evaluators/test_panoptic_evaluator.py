"""An evaluation tells if its model is not better than one class as the answer for every pixel."""

import numpy as np
import pytest

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.training.evaluators.panoptic_evaluator import (
    PanopticEvaluator,
    PanopticPrediction,
    PanopticScore,
)

CATEGORIES = Categories.from_coco(
    [{"id": 7, "name": "cell", "isthing": 1}, {"id": 9, "name": "ground", "isthing": 0}], "here"
)
TRUTH = np.full([20, 20], 2, np.uint16)
TRUTH[:6, :6] = 1
CLASSES = np.array([0, 1])


def told(predicted: np.ndarray, classes: list[int]) -> str:
    """The text of an evaluation of one picture: `predicted` has the ids 1, 2, ... of `classes`."""
    evaluator = object.__new__(PanopticEvaluator)
    evaluator.categories = CATEGORIES
    score = evaluator.new_score()
    assert isinstance(score, PanopticScore)
    example = {
        types.SEGMENT_MAP: TRUTH,
        types.SEGMENT_IDS: np.array([1, 2]),
        types.SEGMENT_CLASS_IDS: CLASSES,
        types.SEGMENT_IS_CROWD: np.zeros(2, np.bool_),
    }
    segments = [types.Segment(i, c, score=0.9) for i, c in enumerate(classes, start=1)]
    score.add(example, PanopticPrediction(predicted.astype(np.int32), segments))
    return evaluator.format_results(score.results(lambda counts: counts))


def test_a_model_that_finds_the_things_gets_its_table_only():
    assert "The answer" not in told(TRUTH, [0, 1])


@pytest.mark.parametrize(
    ("predicted", "classes"),
    [
        (np.zeros_like(TRUTH), []),
        (np.ones_like(TRUTH), [0]),
        (np.ones_like(TRUTH), [1]),
    ],
    ids=["nothing", "the wrong class", "the constant answer itself"],
)
def test_a_model_under_the_constant_answer_is_told(predicted, classes):
    text = told(predicted, classes)
    assert "The answer 'ground' for every pixel has a PQ of 45.5, not less than the model" in text
