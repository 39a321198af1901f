"""Kinds of errors on maps small enough to count by hand, and what holds for all maps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.picture_errors import picture_errors
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.types import Segment
from tests.unit.evaluation.lost_quality import worked_maps as maps
from tests.unit.evaluation.lost_quality.worked_maps import CAT, CATEGORIES, DOG


def errors_of(picture: maps.Worked, kind: str | None = None) -> list[tuple]:
    """Kind, class, letters of truth and prediction, IoU and loss; without stuff."""
    found = picture_errors(*picture.sides(), CATEGORIES).errors
    return [
        (e.kind, e.class_id, letter(e.truth_id), letter(e.prediction_id), e.iou, e.lost)
        for e in found
        if e.class_id in (CAT, DOG) and kind in (None, e.kind)
    ]


def letter(segment_id: int | None) -> str | None:
    return segment_id and chr(segment_id)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("missed", [("missed", CAT, "a", None, 0, 0.5)]),
        ("invented", [("invented", CAT, None, "A", 0, 0.5)]),
        (
            "wrong_class",
            [
                ("wrong_class", CAT, "a", "D", 4 / 7, 0.5),
                ("wrong_class", DOG, "a", "D", 4 / 7, 0.5),
            ],
        ),
        (
            "poor_mask",
            [("poor_mask", CAT, "a", "A", 1 / 2, 0.5), ("poor_mask", CAT, "a", "A", 1 / 2, 0.5)],
        ),
        (
            "merged",
            [
                ("merged", CAT, "a", "A", 1 / 2, 0.5),
                ("merged", CAT, "b", "A", 1 / 2, 0.5),
                ("merged", CAT, "a", "A", 1 / 2, 0.5),
            ],
        ),
        (
            "merged_into_a_match",
            [
                ("inexact_mask", CAT, "a", "A", 6 / 8, 1 - 6 / 8),
                ("merged", CAT, "b", "A", 2 / 8, 0.5),
            ],
        ),
        (
            "split",
            [
                ("split", CAT, "a", "A", 1 / 2, 0.5),
                ("split", CAT, "a", "A", 1 / 2, 0.5),
                ("split", CAT, "a", "B", 1 / 2, 0.5),
            ],
        ),
        (
            "split_with_a_match",
            [
                ("inexact_mask", CAT, "a", "A", 6 / 8, 1 - 6 / 8),
                ("split", CAT, "a", "B", 2 / 8, 0.5),
            ],
        ),
        (
            "drawn_over",
            [
                ("inexact_mask", DOG, "d", "D", 14 / 17, 1 - 14 / 17),
                ("drawn_over", CAT, "a", "D", 3 / 18, 0.5),
                ("drawn_over", CAT, "a", "A", 1 / 4, 0.5),
            ],
        ),
        (
            "drawn_over_by_the_same_class",
            [
                ("inexact_mask", CAT, "a", "A", 15 / 17, 1 - 15 / 17),
                ("drawn_over", CAT, "b", "A", 2 / 20, 0.5),
                ("invented", DOG, None, "D", 0, 0.5),
            ],
        ),
        ("inexact_mask", [("inexact_mask", CAT, "a", "A", 4 / 6, 1 - 4 / 6)]),
        ("void", []),
        ("crowd", [("invented", DOG, None, "D", 0, 0.5)]),
    ],
)
def test_worked_map(name, expected):
    assert errors_of(maps.ALL[name]) == expected


def test_every_kind_has_a_worked_map():
    assert set(KINDS) <= set(maps.ALL)


def test_an_error_names_the_other_class_and_the_score():
    truth, predicted = (
        e for e in picture_errors(*maps.WRONG_CLASS.sides(), CATEGORIES).errors if e.lost == 0.5
    )
    assert (truth.is_truth, truth.other_class_id, truth.area) == (True, DOG, 6)
    assert (predicted.is_truth, predicted.other_class_id, predicted.area) == (False, CAT, 5)
    assert truth.score == predicted.score == ord("D") / 256


def test_poor_masks_begin_at_a_tenth():
    """9 and 10 of 100 pixels: TIDE calls a smaller overlap no attempt at the segment."""
    for pixels, kinds in [(9, {"missed", "invented"}), (10, {"poor_mask"})]:
        truth, predicted = np.ones((1, 200), int), np.zeros((1, 200), int)
        truth[0, 100:] = 2
        predicted[0, :pixels] = 1
        segments = [Segment(1, CAT), Segment(2, 2)]
        found = picture_errors(truth, segments, predicted, [Segment(1, CAT)], CATEGORIES)
        assert {e.kind for e in found.errors if e.class_id == CAT} == kinds


def test_a_crowd_is_never_merged_split_or_the_wrong_class():
    crowd = maps.Worked(
        "ccccaass ccccaass ccccaass ssssssss ssssssss ssssssss",
        "DDDDDDSS DDDDDDSS DDDDDDSS SSSSSSSS SSSSSSSS SSSSSSSS",
        {"s": 2, "c": CAT, "a": CAT, "S": 2, "D": DOG},
        crowds="c",
    )
    assert [(kind, letters) for kind, _, *letters, _, _ in errors_of(crowd)] == [
        ("drawn_over", ["a", "D"]),
        ("invented", [None, "D"]),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"predicted_map": np.ones((2, 2), int)}, "resize the prediction"),
        ({"predicted_segments": [Segment(9, 7)]}, "expected 0..3"),
        ({"predicted_segments": []}, "segment 9, which is not listed"),
        ({"predicted_segments": [Segment(9, 0), Segment(5, 0)]}, "no pixel of segment 5"),
    ],
)
def test_wrong_input(change, expected):
    ids = np.full((3, 3), 9)
    names = ("truth_map", "truth_segments", "predicted_map", "predicted_segments")
    sides = dict(zip(names, (ids, [Segment(9, 0)], ids, [Segment(9, 0)]), strict=True))
    with pytest.raises(UserError, match=expected) as error:
        picture_errors(**sides | change, categories=CATEGORIES, image="image 7")
    assert "image 7" in str(error.value)


# ---- What holds for all maps ---------------------------------------------------------------------
@st.composite
def pictures(draw) -> tuple:
    """Two maps of blocks; the prediction is the shifted truth with other blocks drawn on it."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    most = draw(st.integers(1, 6))
    cells = random.integers(0, most + 1, (5, 6))
    truth = np.kron(cells, np.ones((3, 3), int))
    predicted = np.roll(truth, random.integers(0, 3, 2), (0, 1))
    for _ in range(draw(st.integers(0, 4))):
        y, x = random.integers(0, 12, 2)
        predicted[y : y + 6, x : x + 6] = random.integers(0, 9)
    classes = random.integers(0, 4, 9)
    crowds = np.arange(9) == random.integers(1, 20)  # Of several, the order decides.
    other = np.where(random.random(9) < 0.7, classes, random.integers(0, 4, 9))
    return (
        truth,
        [Segment(i, int(classes[i]), bool(crowds[i])) for i in maps.ids_of(truth)],
        predicted,
        [Segment(i, int(other[i]), score=i / 9) for i in maps.ids_of(predicted)],
    )


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_losses_add_up_to_the_distance_to_100(sides):
    found = picture_errors(*sides, CATEGORIES)
    quality = PanopticQuality(len(CATEGORIES), CATEGORIES.is_thing)
    quality.update(*sides)
    lost = np.bincount(
        [e.class_id for e in found.errors], [e.lost for e in found.errors], len(CATEGORIES)
    )
    weights = np.where(found.weights > 0, found.weights, np.nan)
    expected = 1 - quality.result().pq
    assert 100 * lost / weights == pytest.approx(100 * expected, abs=1e-9, nan_ok=True)
    for name in ("tp", "fp", "fn"):
        assert np.array_equal(getattr(found, name), getattr(quality, name))


@settings(max_examples=100, deadline=None)
@given(pictures(), st.permutations(range(1, 9)))
def test_other_ids_and_another_order_change_nothing(sides, order):
    truth, truth_segments, predicted, predicted_segments = sides
    ids = np.array([0, *(1000 * i + 7 for i in order)])

    def renumbered(segments):
        moved = [dataclasses.replace(s, id=int(ids[s.id])) for s in segments]
        return [moved[i - 1] for i in order if i <= len(moved)]

    other = picture_errors(
        ids[truth],
        renumbered(truth_segments),
        ids[predicted],
        renumbered(predicted_segments),
        CATEGORIES,
    )
    assert summary(other) == summary(picture_errors(*sides, CATEGORIES))


@settings(max_examples=50, deadline=None)
@given(pictures())
def test_a_prediction_inside_void_changes_nothing(sides):
    truth, truth_segments, predicted, predicted_segments = sides
    free = (truth == 0) & (predicted == 0)
    if not free.any():
        return
    painted = np.where(free, 50, predicted)
    more = [*predicted_segments, Segment(50, CAT, score=0.5)]
    other = picture_errors(truth, truth_segments, painted, more, CATEGORIES)
    assert summary(other) == summary(picture_errors(*sides, CATEGORIES))


def summary(found) -> list:
    return sorted((e.kind, e.class_id, str(e.is_truth), e.area, e.lost) for e in found.errors)
