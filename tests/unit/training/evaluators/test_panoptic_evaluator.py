"""`maskconver evaluate` compares its model with plain answers; an evaluation of a training not."""

import numpy as np

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.baselines.model_comparison import MOST_PICTURES
from maskconver_tf.input.with_brightness import WithBrightness
from maskconver_tf.training.evaluators.panoptic_evaluator import (
    PanopticEvaluator,
    PanopticPrediction,
)
from maskconver_tf.training.evaluators.tiled_evaluator import TiledEvaluator

CATEGORIES = Categories.from_coco(
    [{"id": 7, "name": "cell", "isthing": 1}, {"id": 9, "name": "ground", "isthing": 0}], "here"
)
TRUTH = np.full([20, 20], 2, np.int32)
TRUTH[:6, :6] = 1
IMAGE = np.where(TRUTH == 1, 220, 40).astype(np.uint8)[..., np.newaxis].repeat(3, axis=2)


class Data:
    """What an evaluator asks of its input."""

    num_examples = 3 * MOST_PICTURES
    batch_size = 2


def evaluator_of(kind: type) -> PanopticEvaluator:
    evaluator = object.__new__(kind)
    evaluator.categories, evaluator.data = CATEGORIES, Data()
    return evaluator


def example() -> dict:
    return {
        types.IMAGE: IMAGE,
        types.BRIGHTNESS: IMAGE[..., 0],
        types.SEGMENT_MAP: TRUTH,
        types.IMAGE_ID: b"1",
        types.SEGMENT_IDS: np.array([1, 2]),
        types.SEGMENT_CLASS_IDS: np.array([0, 1]),
        types.SEGMENT_IS_CROWD: np.zeros(2, np.bool_),
    }


def told(kind: type, predicted: np.ndarray, classes: list[int]) -> tuple[str, str]:
    """The text of an evaluation of one picture in a training, and that of the command."""
    evaluator = evaluator_of(kind)
    score, comparison = evaluator.new_score(), evaluator.comparison()
    segments = [types.Segment(i, c, score=0.9) for i, c in enumerate(classes, start=1)]
    prediction = PanopticPrediction(predicted.astype(np.int32), segments)
    score.add(example(), prediction)
    comparison.add(0, example(), prediction)
    results = score.results(lambda counts: counts)
    compared = results | {"baselines": comparison.results(results)}
    return evaluator.format_results(results), evaluator.format_results(compared)


def test_a_model_that_finds_all_is_not_better_than_a_threshold_that_does_so_too():
    alone, compared = told(PanopticEvaluator, TRUTH, [0, 1])
    assert compared.startswith(alone) and "The answer" not in compared
    assert "a PQ of things of 100.0, the model the same" in compared


def test_a_model_under_both_is_told_of_both_below_its_table():
    for kind in (PanopticEvaluator, TiledEvaluator):
        alone, compared = told(kind, np.zeros_like(TRUTH), [])
        constant, threshold = compared[len(alone) + 2 :].split("\n\n")
        assert constant.startswith("The answer 'ground' for every pixel has a PQ of 45.5, the")
        assert threshold.startswith("A threshold on brightness")


def test_the_command_reads_the_brightness_of_some_whole_pictures():
    evaluator = evaluator_of(PanopticEvaluator)
    data = evaluator.command_data()
    assert isinstance(data, WithBrightness) and data.of is evaluator.data
    assert data.chosen.sum() == MOST_PICTURES and data.batch_size == 2
    tiled = evaluator_of(TiledEvaluator)
    assert tiled.command_data() is tiled.data  # Its examples have whole pictures.
