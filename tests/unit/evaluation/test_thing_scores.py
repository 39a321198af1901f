"""AP and counts of things: worked examples, and pycocotools on random maps."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.results import add_thing_scores, format_table, results_dict
from maskconver_tf.evaluation.scoring.counting.detections import Detections, match_detections
from maskconver_tf.evaluation.thing_scores import IOUS, ThingScores
from maskconver_tf.types import Segment

IS_THING = np.array([True, False, True])


def score(*pictures, things=None):
    """Each picture is (truth map, truth segments, predicted map, predicted segments)."""
    things = things or ThingScores(IS_THING)
    for picture in pictures:
        matches = PanopticQuality(3, IS_THING).update(*picture)
        things.update(matches, picture[1], picture[3])
    return things


def row(*lengths):
    """A map of one row: segment i has `lengths[i - 1]` pixels."""
    return np.repeat(np.arange(1, len(lengths) + 1), lengths)[None]


def test_a_perfect_prediction():
    truth = [Segment(1, 0), Segment(2, 2), Segment(3, 1)]
    predicted = [Segment(1, 0, score=0.9), Segment(2, 2, score=0.1), Segment(3, 1, score=0.5)]
    total, classes = score((row(4, 5, 6), truth, row(4, 5, 6), predicted)).results()
    assert total["ap"] == 100
    assert set(total["ap_at"].values()) == {100}
    assert (total["num_true"], total["num_predicted"], total["count_error"]) == (2, 2, 0)
    assert sorted(classes) == [0, 2]


def test_ap_falls_where_the_iou_ends():
    """The thing of 10 pixels is found with IoU 0.7."""
    total, _ = score(
        (
            row(10, 5),
            [Segment(1, 0), Segment(2, 1)],
            row(7, 8),
            [Segment(1, 0, score=1.0), Segment(2, 1, score=1.0)],
        )
    ).results()
    assert [iou for iou, ap in total["ap_at"].items() if ap == 100] == [
        "0.50",
        "0.55",
        "0.60",
        "0.65",
        "0.70",
    ]
    assert total["ap"] == pytest.approx(100 * 5 / 9)


@pytest.mark.parametrize(("wrong_score", "ap"), [(0.9, 50), (0.1, 100)])
def test_a_wrong_thing_costs_if_it_is_surer(wrong_score, ap):
    truth = [Segment(1, 0), Segment(2, 1)]
    predicted = [Segment(1, 0, score=0.5), Segment(2, 0, score=wrong_score)]
    total, _ = score((row(6, 6), truth, row(6, 6), predicted)).results()
    assert total["ap_at"]["0.50"] == pytest.approx(ap)


def test_counts_by_hand():
    empty = row(9), [Segment(1, 1)], row(9), [Segment(1, 1, score=0.5)]
    two_of_three = (
        row(4, 4, 4),
        [Segment(1, 0), Segment(2, 0), Segment(3, 0)],
        row(4, 8),
        [Segment(1, 0, score=0.5), Segment(2, 0, score=0.5)],
    )
    four_of_one = (
        row(12),
        [Segment(1, 0)],
        row(3, 3, 3, 3),
        [Segment(i, 0, score=0.5) for i in (1, 2, 3, 4)],
    )
    total, classes = score(empty, two_of_three, four_of_one).results()
    assert (total["num_true"], total["num_predicted"]) == (4, 6)
    assert total["count_error"] == (1 + 3) / 2, "the picture without things does not count"
    assert total["count_bias"] == pytest.approx(50)
    assert classes[2] | {"ap_at": None} == {
        "ap": None,
        "ap_at": None,
        "num_true": 0,
        "num_predicted": 0,
        "count_error": None,
        "count_bias": None,
    }


def test_crowds_and_void_count_neither_way():
    truth = [Segment(1, 0, is_crowd=True)]
    predicted = [Segment(1, 0, score=0.5), Segment(2, 0, score=0.5)]
    total, _ = score((np.array([[1, 1, 0, 0]]), truth, row(2, 2), predicted)).results()
    assert (total["num_true"], total["num_predicted"]) == (0, 0)


def test_predictions_without_scores_have_counts_only():
    total, _ = score((row(6), [Segment(1, 0)], row(6), [Segment(1, 0)])).results()
    assert total["ap"] is None
    assert total["num_predicted"] == 1


def _random_picture(rng, scores):
    truth = np.kron(rng.integers(1, 9, (4, 4)), np.ones((11, 13), int))
    shift = np.roll(truth, rng.integers(0, 4, 2), (0, 1))
    predicted = np.where(rng.random(truth.shape) < 0.97, shift, rng.integers(1, 9, truth.shape))
    segments = [
        [Segment(int(i), int(rng.integers(0, 3)), score=scores.pop()) for i in np.unique(m)]
        for m in (truth, predicted)
    ]
    same = {s.id: s.class_id for s in segments[0]}
    segments[1] = [
        Segment(s.id, same.get(s.id, 0) if rng.random() < 0.9 else s.class_id, score=s.score)
        for s in segments[1]
    ]
    return truth, segments[0], predicted, segments[1]


def _detections(truth, truth_segments, predicted, segments):
    truth_segments = [s for s in truth_segments if IS_THING[s.class_id]]
    segments = [s for s in segments if IS_THING[s.class_id]]
    common = [
        [((truth == t.id) & (predicted == p.id)).sum() for p in segments] for t in truth_segments
    ]
    return Detections(
        np.array(common, np.int64).reshape(len(truth_segments), len(segments)),
        np.array([t.class_id for t in truth_segments], np.int64),
        np.array([(truth == t.id).sum() for t in truth_segments], np.int64),
        np.zeros(len(truth_segments), bool),
        np.array([p.class_id for p in segments], np.int64),
        np.array([(predicted == p.id).sum() for p in segments], np.int64),
        np.array([p.score for p in segments], np.float64),
    )


def test_ap_is_that_of_pycocotools():
    rng = np.random.default_rng(3)  # No IoU is exactly 0.5, which COCO's program would match.
    scores = (rng.permutation(4096) / 4096 + 1e-5).tolist()
    pictures = [_random_picture(rng, scores) for _ in range(40)]
    evaluation = match_detections([_detections(*picture) for picture in pictures], IS_THING)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    precision = evaluation.eval["precision"][: len(IOUS), :, :, 0, -1].mean(axis=1)  # [IoU, class]
    total, classes = score(*pictures).results()
    for number, class_id in enumerate((0, 2)):
        found = list(classes[class_id]["ap_at"].values())
        np.testing.assert_allclose(found, 100 * precision[:, number], atol=1e-9)
    np.testing.assert_allclose(
        list(total["ap_at"].values()), 100 * precision.mean(axis=1), atol=1e-9
    )
    assert 5 < total["ap"] < 95, "an empty comparison would compare nothing"


def test_workers_add_up_to_one():
    rng = np.random.default_rng(1)
    scores = rng.random(4096).tolist()
    pictures = [_random_picture(rng, scores) for _ in range(6)]
    first, second = score(*pictures[:2]), score(*pictures[2:])
    first.merge(second)
    assert first.results() == score(*pictures).results()


def test_results_and_table_have_them():
    categories = Categories.from_coco(
        [{"id": i, "name": n, "isthing": int(IS_THING[i])} for i, n in enumerate("abc")], "here"
    )
    truth, predicted = (
        [Segment(1, 0), Segment(2, 1)],
        [Segment(1, 0, score=0.5), Segment(2, 0, score=0.4)],
    )
    quality = PanopticQuality(3, IS_THING)
    things = ThingScores(IS_THING)
    things.update(quality.update(row(6, 6), truth, row(6, 6), predicted), truth, predicted)
    results = add_thing_scores(results_dict(quality.result(), categories), things, categories)
    assert results["things"]["pq"] is not None
    assert results["per_class"]["a"]["num_predicted"] == 2
    assert "ap" not in results["per_class"]["b"]
    table = format_table(results)
    assert "AP 50-90" in table and "+100.0 %" in table
    assert "AP 50-90" not in format_table(results_dict(quality.result(), categories))
