"""Bootstrap intervals against plain resampling."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.intervals import draw_weights, interval, resampled_scores
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score_pictures import score_pictures
from maskconver_tf.evaluation.scoring.score_tables import collect
from tests.golden.scoring.adversarial_files import CATEGORIES, adversarial_pictures, write_files


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path, adversarial_pictures(0, 12))


def tables_of(files):
    pairs = coco_pairs(files[:2], [files[2:]])
    rules = ScoringRules(pairs.categories.is_thing)
    return collect(score_pictures(pairs.pairs, rules, 1), rules.is_thing)[0]


def test_a_resample_scores_each_picture_as_often_as_drawn(files):
    tables = tables_of(files)
    weights = draw_weights(12, 5)
    assert (weights.sum(axis=1) == 12).all() and weights.max() > 1
    samples = resampled_scores(tables, weights, with_boundary=False)
    found = {p.image_id: p for p in read_coco_panoptic(files.pred, files.pred_png)}
    truths = {p.image_id: p for p in read_coco_panoptic(files.truth, files.truth_png)}
    for number, row in enumerate(weights):
        is_thing = np.array([bool(c["isthing"]) for c in CATEGORIES])
        quality = PanopticQuality(len(CATEGORIES), is_thing)
        for image_id, times in zip(tables.image_ids, row.tolist(), strict=True):
            for _ in range(times):
                truth, other = truths[image_id], found[image_id]
                quality.update(
                    truth.panoptic_map, truth.segments, other.panoptic_map, other.segments
                )
        result = quality.result()
        assert samples["all/pq"][number] == pytest.approx(result.all.pq, abs=1e-12)
        assert samples["stuff/sq"][number] == pytest.approx(result.stuff.sq, abs=1e-12)
        assert samples["things/rq"][number] == pytest.approx(result.things.rq, abs=1e-12)


def test_draws_are_always_the_same():
    assert np.array_equal(draw_weights(300, 3), draw_weights(300, 3))
    assert (draw_weights(300, 3).sum(axis=1) == 300).all()


def test_the_interval_is_the_middle_95_percent():
    assert interval(np.arange(1001) / 1000) == pytest.approx((0.025, 0.975))
    assert interval(np.array([np.nan, 0.5])) == (0.5, 0.5)
    assert interval(np.array([np.nan])) is None


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """A share of right pictures of 200: about 95 % of the intervals hold the true share."""
    random = np.random.default_rng(1)
    weights = draw_weights(200, 300).astype(np.float64)
    covered = 0
    for _ in range(300):
        low, high = interval(weights @ (random.random(200) < 0.3) / 200)
        covered += low <= 0.3 <= high
    assert 0.9 < covered / 300 < 0.99
