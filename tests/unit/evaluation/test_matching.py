"""Sums of IoUs without rounding, and matches with listed areas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from maskconver_tf.evaluation.matching import exact_parts, match_segments


def test_the_sum_of_the_parts_is_the_rounded_exact_sum_in_any_order():
    random = np.random.default_rng(0)
    ious = random.integers(500_001, 1_000_000, 20_000) / random.integers(999_999, 1_000_001, 20_000)
    ious = np.minimum(ious, 1.0)
    assert np.cumsum(ious)[-1] != math.fsum(ious)  # Ordinary sums round.
    for order in (ious, ious[::-1], random.permutation(ious)):
        first, rest = exact_parts(order)
        assert first.sum() + rest.sum() == math.fsum(ious)
        halves = [part[:7].sum() + part[7:].sum() for part in (first, rest)]
        assert halves == [first.sum(), rest.sum()]


@pytest.mark.parametrize("iou", [1.0, np.nextafter(0.5, 1), 2 / 3, 1 - 2**-53])
def test_the_parts_add_up_to_the_iou(iou):
    first, rest = exact_parts(np.array([iou]))
    assert first + rest == iou and 0 <= rest < 2**-27


@pytest.mark.parametrize(("area", "is_match"), [(3, True), (7, True), (8, False), (0, True)])
def test_a_listed_area_decides_in_place_of_the_pixels(area, is_match):
    """6 pixels of truth, 4 of them found by a prediction of 5 pixels, 1 of which is on void."""
    overlaps = np.array([[0, 1], [2, 4]])
    classes, no_crowd = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    # The union is area + 5 - 4 - 1 = area, so an area of 8 gives 4 / 8.
    matches = match_segments(overlaps, classes, no_crowd, classes, np.array([area]))
    assert len(matches.ious) == is_match
    if area == 0:
        assert np.isinf(matches.ious[0])


def test_pixels_of_no_listed_segment_are_no_void():
    overlaps = np.array([[0, 0], [4, 1], [0, 3]])  # The last row belongs to no listed segment.
    classes, no_crowd = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    matches = match_segments(overlaps, classes, no_crowd, classes)
    assert matches.is_invented.tolist() == [True] and matches.is_missed.tolist() == [True]
