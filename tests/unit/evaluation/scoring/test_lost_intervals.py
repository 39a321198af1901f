"""Intervals of the shares of lost quality against plain resampling."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.lost_results import lost_results
from maskconver_tf.evaluation.lost_quality.segment_table import joined
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.intervals import draw_weights, interval
from maskconver_tf.evaluation.scoring.lost_intervals import lost_intervals
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score_pictures import score_pictures
from maskconver_tf.evaluation.scoring.score_tables import collect
from tests.golden.scoring.adversarial_files import CATEGORIES, adversarial_pictures, write_files

NUM_PICTURES = 9


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path, adversarial_pictures(1, NUM_PICTURES))


def _scored(files):
    pairs = coco_pairs(files[:2], [files[2:]])
    scored = list(score_pictures(pairs.pairs, ScoringRules(pairs.categories.is_thing), 1))
    return scored, collect(scored, pairs.categories.is_thing)[0]


def _plain(files, scored, image_ids, row) -> dict:
    """`lost` of the drawn pictures, each as often as it was drawn."""
    found = {p.image_id: p for p in read_coco_panoptic(files.pred, files.pred_png)}
    truths = {p.image_id: p for p in read_coco_panoptic(files.truth, files.truth_png)}
    segments = {p.image_id: p.counts[0].losses.segments for p in scored}
    categories = Categories.from_coco(CATEGORIES, "test")
    quality = PanopticQuality(len(CATEGORIES), np.asarray(categories.is_thing))
    drawn = [image_id for image_id, times in zip(image_ids, row) for _ in range(times)]
    for image_id in drawn:
        truth, other = truths[image_id], found[image_id]
        quality.update(truth.panoptic_map, truth.segments, other.panoptic_map, other.segments)
    table = joined([segments[image_id] for image_id in drawn])
    return lost_results(quality.result(), table, categories)


def test_intervals_are_those_of_scoring_the_drawn_pictures(files):
    scored, tables = _scored(files)
    weights = draw_weights(NUM_PICTURES, 7)
    plain = [_plain(files, scored, tables.image_ids, row) for row in weights.tolist()]
    found = lost_intervals(tables, weights)
    num_kinds = 0
    for group in ("all", "things", "stuff"):
        for name in (*KINDS, "total"):
            values = np.array([lost[group][name] for lost in plain])
            assert found[group][name] == pytest.approx(interval(values), abs=1e-9), (group, name)
            num_kinds += values.std() > 0
    assert num_kinds > 12


def test_the_same_pictures_in_each_resample_leave_no_doubt(files):
    scored, tables = _scored(files)
    found = lost_intervals(tables, np.ones((3, NUM_PICTURES), np.uint8))
    lost = _plain(files, scored, tables.image_ids, [1] * NUM_PICTURES)
    for group in ("all", "things", "stuff"):
        for name in (*KINDS, "total"):
            assert found[group][name] == pytest.approx([lost[group][name]] * 2, abs=1e-9)


def test_many_resamples_are_computed_in_parts(files):
    tables = _scored(files)[1]
    weights = draw_weights(NUM_PICTURES, 250)
    found = lost_intervals(tables, weights)
    assert found == lost_intervals(tables, weights[::-1])
    low, high = found["all"]["total"]
    assert 0 <= low < high <= 100


def test_a_group_without_a_class_has_no_interval(files):
    tables = _scored(files)[1]
    found = lost_intervals(
        tables._replace(is_thing=np.zeros(len(CATEGORIES), np.bool_)), np.ones((2, NUM_PICTURES))
    )
    assert set(found["things"].values()) == {None}
    assert found["all"] == found["stuff"]
