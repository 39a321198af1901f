"""Calibration and recalibration, by hand and against an independent implementation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.calibration import (
    ScoredSegments,
    bins_of,
    calibration_results,
    expected_calibration_error,
)
from maskconver_tf.evaluation.lost_quality.recalibration import (
    FEWEST_SEGMENTS,
    Curve,
    Recalibration,
    fit_curve,
    fit_recalibration,
    fits,
    recalibration_results,
)
from tests.unit.evaluation.lost_quality.worked_maps import CATEGORIES, DOG


def segments(*pairs: tuple[float, bool]) -> ScoredSegments:
    scores, right = zip(*pairs, strict=True)
    return ScoredSegments(np.array(scores), np.array(right), np.zeros(len(pairs), np.int32))


def test_error_by_hand():
    """Bin 0.9: mean score 0.95, one of two is right. Bin 0.1: mean score 0.1, none is right."""
    found = segments((0.9, True), (1.0, False), (0.1, False))
    assert expected_calibration_error(found) == pytest.approx((2 * 0.45 + 0.1) / 3)
    bins = bins_of(found)
    assert [entry["segments"] for entry in bins] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[9]["right"], bins[9]["share_right"], bins[0]["score"]) == (1, 0.5, None)


def test_perfect_scores_have_no_error():
    assert expected_calibration_error(segments((1.0, True), (0.0, False))) == 0
    assert expected_calibration_error(segments((1.0, True)).chosen(np.zeros(1, bool))) is None


def test_groups_and_classes():
    found = ScoredSegments(np.array([0.8, 0.3]), np.array([True, False]), np.array([0, 2]))
    results = calibration_results(found, CATEGORIES)
    assert results["things"]["segments"] == results["per_class"]["cat"]["segments"] == 1
    assert results["per_class"]["cat"]["ece"] == pytest.approx(20)
    assert results["stuff"]["ece"] == pytest.approx(30)
    assert results["per_class"]["dog"] == {
        "ece": None, "segments": 0, "right": 0, "score": None, "share_right": None
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60))
def test_curve_is_the_isotonic_regression(pairs):
    """Against the minimum over all averages of the max-min formula (Robertson et al., 1988)."""
    found = segments(*((score / 20, right) for score, right in pairs))
    curve = fit_curve(found)
    order = np.argsort(found.scores, kind="stable")
    scores, right = found.scores[order], found.is_right[order].astype(float)
    for score in np.unique(scores):
        first, last = np.searchsorted(scores, score), np.searchsorted(scores, score, "right")
        starts = [np.searchsorted(scores, s) for s in np.unique(scores) if s <= score]
        ends = [np.searchsorted(scores, s, "right") for s in np.unique(scores) if s >= score]
        expected = max(min(right[a:b].mean() for b in ends) for a in starts)
        assert first < last and curve(np.array([score]))[0] == pytest.approx(expected)
    assert (np.diff(curve.shares) >= 0).all() and (np.diff(curve.scores) > 0).all()


def test_recalibration_mends_scores_that_are_too_high(tmp_path):
    random = np.random.default_rng(0)
    scores = random.random(4000)
    classes = np.zeros(4000, np.int32)
    found = ScoredSegments(scores, random.random(4000) < scores**3, classes)
    fitted, tested = found.chosen(np.arange(4000) < 2000), found.chosen(np.arange(4000) >= 2000)
    recalibration = fit_recalibration(fitted, CATEGORIES)
    results = recalibration_results(recalibration, tested, 2000, CATEGORIES)
    assert results["ece_before"] > 20 and results["ece_after"] < 5
    assert (results["tested_segments"], results["classes"]) == (2000, 1)
    recalibration.save(tmp_path / "r.json")
    assert Recalibration.load(tmp_path / "r.json") == recalibration


def test_a_rare_class_has_the_curve_of_all():
    found = segments(*[(0.5, True)] * FEWEST_SEGMENTS, (0.9, False))
    found.class_ids[-1] = DOG
    recalibration = fit_recalibration(found, CATEGORIES)
    assert list(recalibration.curves) == ["cat"]
    changed = recalibration.apply(np.array([0.5, 0.5]), ["cat", "dog"])
    assert changed.tolist() == [1, recalibration.others(np.array([0.5]))[0]]
    assert fit_recalibration(found.chosen(found.scores > 2), CATEGORIES) is None


def test_the_id_decides_which_half_fits():
    halves = [fits(i) for i in range(400)]
    assert 160 < sum(halves) < 240 and halves == [fits(i) for i in range(400)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", "found no recalibration"),
        ('{"format": "maskconver score recalibration", "version": 2}', "found version 2"),
        ('{"format": "maskconver score recalibration", "version": 1}', "classes is null"),
    ],
)
def test_wrong_files(tmp_path, content, expected):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(UserError, match=expected):
        Recalibration.load(tmp_path / "r.json")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (None, "scores is null"),
        ({"scores": [0.1, "a"], "shares": [0, 1]}, "expected a list of numbers from 0 to 1"),
        ({"scores": [0.1, 0.2], "shares": [1, 0]}, "shares falls"),
        ({"scores": [0.1, 0.2], "shares": [0.5]}, "as many of both"),
        ({"scores": [0.1, 2], "shares": [0, 1]}, "from 0 to 1"),
    ],
)
def test_wrong_curves(tmp_path, entry, expected):
    path = tmp_path / "r.json"
    Recalibration({}, Curve((0.0,), (0.0,))).save(path)
    text = path.read_text().replace('"others"', '"was"')
    path.write_text(json.dumps(json.loads(text) | {"others": entry}))
    with pytest.raises(UserError, match=expected):
        Recalibration.load(path)
