"""Mending on worked maps, and what holds for every map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from maskconver_tf.evaluation.lost_quality.kinds import KINDS, kinds_of_segments
from maskconver_tf.evaluation.lost_quality.mending import (
    MatchingInput,
    changes_by_mending,
    class_counts,
    mended,
)
from maskconver_tf.evaluation.panoptic_quality import count_overlaps
from tests.unit.evaluation.lost_quality import worked_maps as maps
from tests.unit.evaluation.lost_quality.test_picture_errors import pictures
from tests.unit.evaluation.lost_quality.worked_maps import CAT, CATEGORIES, DOG, SKY

COUNT = len(CATEGORIES)


def matching_input(truth, truth_segments, predicted, predicted_segments) -> MatchingInput:
    return MatchingInput(
        count_overlaps(truth, truth_segments, predicted, predicted_segments, "image"),
        np.array([s.class_id for s in truth_segments], np.int64),
        np.array([s.is_crowd for s in truth_segments], np.bool_),
        np.array([s.class_id for s in predicted_segments], np.int64),
    )


def kinds_in(given_picture: MatchingInput):
    classes = (
        given_picture.truth_classes,
        given_picture.is_crowd,
        given_picture.predicted_classes,
    )
    return kinds_of_segments(
        given_picture.overlaps, given_picture.match(), *classes, CATEGORIES.is_thing
    )


def counts_of(given_picture: MatchingInput) -> np.ndarray:
    """Sum of IoU, TP, FP, FN of each class; `[C, 4]`."""
    counts = class_counts(given_picture, given_picture.match(), COUNT)
    return np.column_stack([counts[:, 0] + counts[:, 1], counts[:, 2:]])


def after(picture: maps.Worked, kind: str) -> np.ndarray:
    found = matching_input(*picture.sides())
    return counts_of(mended(found, kinds_in(found), KINDS.index(kind)))


@pytest.mark.parametrize(
    ("name", "kind", "class_id", "expected"),
    [
        ("missed", "missed", CAT, [1, 1, 0, 0]),
        ("missed", "missed", SKY, [1, 1, 0, 0]),  # The sky no longer reaches into the cat.
        ("invented", "invented", CAT, [0, 0, 0, 0]),
        ("invented", "invented", SKY, [44 / 48, 1, 0, 0]),
        ("wrong_class", "wrong_class", CAT, [4 / 7, 1, 0, 0]),  # The mask stays as it is.
        ("wrong_class", "wrong_class", DOG, [0, 0, 0, 0]),
        ("poor_mask", "poor_mask", CAT, [1, 1, 0, 0]),
        ("merged", "merged", CAT, [2, 2, 0, 0]),
        ("merged_into_a_match", "merged", CAT, [2, 2, 0, 0]),  # The match is exact without b.
        ("split", "split", CAT, [1, 1, 0, 0]),
        ("split_with_a_match", "split", CAT, [6 / 8, 1, 0, 0]),
        ("drawn_over", "drawn_over", CAT, [1, 1, 0, 0]),
        ("drawn_over", "drawn_over", DOG, [1, 1, 0, 0]),
        ("inexact_mask", "inexact_mask", CAT, [1, 1, 0, 0]),
        ("inexact_mask", "missed", CAT, [4 / 6, 1, 0, 0]),  # Nothing of that kind is there.
    ],
)
def test_mending_a_worked_map(name, kind, class_id, expected):
    assert after(maps.ALL[name], kind)[class_id].tolist() == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(pictures())
def test_no_fix_makes_a_class_worse_and_its_kind_is_gone(sides):
    found = matching_input(*sides)
    kinds, before = kinds_in(found), quality(counts_of(found))
    for number in range(len(KINDS)):
        other = mended(found, kinds, number)
        now = quality(counts_of(other))
        assert (np.nan_to_num(now, nan=1) >= np.nan_to_num(before, nan=0) - 1e-12).all()
        assert other.overlaps.sum() == found.overlaps.sum()
        assert np.array_equal(other.overlaps.sum(axis=1), found.overlaps.sum(axis=1))


@settings(max_examples=100, deadline=None)
@given(pictures())
def test_mending_kind_after_kind_brings_100(sides):
    found = matching_input(*sides)
    for _ in range(3):  # A fix may turn an error into one of another kind.
        for number in reversed(range(len(KINDS))):
            found = mended(found, kinds_in(found), number)
    counts = counts_of(found)
    assert np.nan_to_num(quality(counts), nan=1) == pytest.approx(np.ones(COUNT), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_changes_are_those_of_a_whole_recount(sides):
    found = matching_input(*sides)
    matches, kinds = found.match(), kinds_in(found)
    keys, changes = changes_by_mending(found, matches, kinds, COUNT, is_exact=True)
    total = np.zeros((len(KINDS) * COUNT, 5))
    total[keys] = changes
    before = class_counts(found, matches, COUNT)
    for number, change in enumerate(total.reshape(len(KINDS), COUNT, 5)):
        other = mended(found, kinds, number)
        assert np.array_equal(before + change, class_counts(other, other.match(), COUNT))


def quality(counts: np.ndarray) -> np.ndarray:
    weights = counts[:, 1] + counts[:, 2:].sum(axis=1) / 2
    return counts[:, 0] / np.where(weights > 0, weights, np.nan)
