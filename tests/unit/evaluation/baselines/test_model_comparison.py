"""A model is compared with plain answers on the same pictures, and told if it is not better."""

import numpy as np
import pytest

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.baselines import model_comparison
from maskconver_tf.evaluation.baselines.comparison_text import comparison_sentences
from maskconver_tf.evaluation.baselines.model_comparison import ModelComparison, chosen_pictures
from maskconver_tf.types import Segment

CATEGORIES = Categories.from_coco(
    [
        {"id": 7, "name": "cell", "isthing": 1},
        {"id": 9, "name": "ground", "isthing": 0},
        {"id": 11, "name": "water", "isthing": 0},
    ],
    "here",
)
TRUTH = np.full([40, 40], 3, np.int32)
TRUTH[4:14, 4:14], TRUTH[20:30, 20:30] = 1, 2
"""Two cells on ground; a threshold finds both if they are bright."""

NOTHING = (np.zeros_like(TRUTH), [])
PERFECT = (TRUTH, [Segment(1, 0), Segment(2, 0), Segment(3, 1)])
GROUND = (np.ones_like(TRUTH), [Segment(1, 1)])
ONE_CELL = (np.where(TRUTH == 2, 3, TRUTH), [Segment(1, 0), Segment(3, 1)])


def example(segment_map=TRUTH, classes=(0, 0, 1), gray=None) -> dict:
    """A picture whose cells are bright."""
    classes = np.array(classes, np.int32)
    if gray is None:
        gray = np.where(np.isin(segment_map, np.flatnonzero(classes == 0) + 1), 200, 30)
    return {
        types.SEGMENT_MAP: segment_map,
        types.SEGMENT_CLASS_IDS: classes,
        types.SEGMENT_IS_CROWD: np.zeros(len(classes), np.bool_),
        types.BRIGHTNESS: gray.astype(np.uint8),
    }


def compared(*pictures, pq, categories=CATEGORIES) -> dict:
    """The comparison of pictures and predictions, for a model with that PQ on all of them."""
    comparison = ModelComparison(categories, len(pictures), lambda e: e[types.BRIGHTNESS])
    for index, picture in enumerate(pictures):
        comparison.add(index, *picture)
    return comparison.results({"all": {"pq": pq}})


def test_a_model_above_both_is_not_told():
    touching = np.full_like(TRUTH, 3)  # A threshold finds one part.
    touching[4:14, 4:14], touching[4:14, 14:24] = 1, 2
    picture = (example(touching), (touching, PERFECT[1]))
    found = compared(picture, pq=100.0)
    assert found["constant"]["model_is_better"] and found["threshold"]["model_is_better"]
    assert found["threshold"]["model_pq_things"] == 100.0 > found["threshold"]["pq_things"]
    assert comparison_sentences(found) == []


def test_a_model_between_the_two_is_under_the_threshold_only():
    found = compared((example(), ONE_CELL), pq=80.0)
    assert found["constant"] == {
        "class": "ground",
        "pq": pytest.approx(100 * 1400 / 1600 / 2),
        "model_pq": 80.0,
        "model_is_better": True,
    }
    threshold = found["threshold"]
    assert (threshold["pq"], threshold["pq_things"]) == (100.0, 100.0)
    assert threshold["things_are"] == "bright"
    assert threshold["model_pq_things"] == pytest.approx(100 * 2 / 3)
    [sentence] = comparison_sentences(found)
    assert "with connected bright parts as things, has a PQ of things of 100.0, the model 66.7" in (
        sentence
    )
    assert "and a PQ of all classes of 100.0, the model 80.0 on 1 picture" in sentence


@pytest.mark.parametrize("prediction", [NOTHING, GROUND], ids=["nothing", "the answer itself"])
def test_a_model_under_both_gets_both_sentences(prediction):
    pq = 0.0 if prediction is NOTHING else 43.75
    found = compared(*[(example(), prediction)] * 3, pq=pq)
    constant, threshold = comparison_sentences(found)
    assert constant.startswith("The answer 'ground' for every pixel has a PQ of 43.8, the model ")
    assert ("the same:" if pq else "0.0:") in constant and "nothing of use yet" in constant
    assert "a PQ of things of 100.0, the model 0.0" in threshold and "on 3 pictures" in threshold


@pytest.mark.parametrize(("step", "told"), [(-1e-9, True), (0.0, True), (1e-9, False)])
def test_scores_are_compared_without_rounding(step, told):
    pictures = [(example(), PERFECT)] * 2
    pq = compared(*pictures, pq=0.0)["constant"]["pq"] + step
    found = compared(*pictures, pq=pq)
    assert found["constant"]["model_is_better"] is not told
    sentences = [s for s in comparison_sentences(found) if s.startswith("The answer")]
    assert len(sentences) == told


def test_scores_that_differ_look_different():
    constant = {"class": "ground", "pq": 43.712, "model_pq": 43.711, "model_is_better": False}
    [sentence] = comparison_sentences({"constant": constant, "threshold": None})
    assert "a PQ of 43.712, the model 43.711:" in sentence


def test_only_the_group_that_is_worse_is_named():
    gray = np.where(TRUTH == 1, 200, 30)  # The threshold finds one of the two.
    water = (TRUTH, [Segment(1, 0), Segment(2, 0), Segment(3, 2)])
    found = compared((example(gray=gray), water), pq=60.0)
    assert found["threshold"]["model_pq_things"] == 100.0 > found["threshold"]["pq_things"]
    [sentence] = comparison_sentences(found)
    assert "has a PQ of all classes of 80.0, the model 33.3 on 1 picture" in sentence


def test_without_things_there_is_no_threshold():
    truth = example(np.where(np.arange(40) < 25, 1, 2) * np.ones((40, 1), int), (1, 2))
    found = compared((truth, GROUND), pq=30.0)
    assert found["threshold"] is None and found["constant"]["class"] == "ground"
    assert len(comparison_sentences(found)) == 1


def test_a_threshold_that_finds_nothing_is_no_baseline():
    flat = example(gray=np.full_like(TRUTH, 90))
    found = compared((flat, NOTHING), pq=0.0)
    assert found["threshold"]["pq_things"] == 0.0
    assert not any("PQ of things" in sentence for sentence in comparison_sentences(found))


def test_pictures_without_a_label_give_no_comparison():
    empty = example(np.zeros_like(TRUTH), ())
    found = compared((empty, NOTHING), pq=None)
    assert found == {"constant": None, "threshold": None} and comparison_sentences(found) == []


def test_a_class_that_occurs_nowhere_changes_nothing():
    fewer = Categories.from_coco(
        [{"id": 7, "name": "cell", "isthing": 1}, {"id": 9, "name": "ground", "isthing": 0}], "here"
    )
    picture = (example(), ONE_CELL)
    assert compared(picture, pq=80.0) == compared(picture, pq=80.0, categories=fewer)


def test_many_pictures_are_sampled_and_both_are_scored_on_the_sample(monkeypatch):
    monkeypatch.setattr(model_comparison, "MOST_PICTURES", 3)
    pictures = [(example(), PERFECT if i % 2 else NOTHING) for i in range(9)]
    assert np.flatnonzero(chosen_pictures(9)).tolist() == [0, 3, 6]
    found = compared(*pictures, pq=50.0)["threshold"]
    assert found["num_pictures"] == 3
    assert found["model_pq"] == 50.0  # One of three is perfect; on all pictures it is 4 of 9.


def test_huge_pictures_are_left_out_of_the_threshold(monkeypatch):
    monkeypatch.setattr(model_comparison, "_MOST_PIXELS", TRUTH.size - 1)
    found = compared((example(), PERFECT), pq=100.0)
    assert found["threshold"] is None and found["constant"] is not None


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 5000])
def test_chosen_pictures_are_evenly_spread(count):
    chosen = chosen_pictures(count)
    assert len(chosen) == count and chosen.sum() == min(count, 100)
    if count > 100:
        gaps = np.diff(np.flatnonzero(chosen))
        assert gaps.max() - gaps.min() <= 1
