"""Counts of equal pixels and of segments without a match, worked out by hand."""

import numpy as np

from maskconver_tf.export.comparison import Difference, PlainMap

FIRST = PlainMap(np.array([[1, 1, 1, 0], [2, 2, 2, 0]]), {1: 7, 2: 9})


def counted(second: PlainMap) -> Difference:
    difference = Difference()
    difference.add(FIRST, second)
    return difference


def test_other_numbers_of_the_same_segments_are_no_difference():
    found = counted(PlainMap(np.array([[5, 5, 5, 0], [3, 3, 3, 0]]), {5: 7, 3: 9}))
    assert (found.pixels, found.equal, found.segments, found.unmatched) == (8, 8, 2, 0)
    assert found.share_equal == 1.0


def test_pixels_of_a_segment_that_moved_a_little_differ_and_the_segment_matches():
    found = counted(PlainMap(np.array([[1, 1, 0, 0], [2, 2, 2, 2]]), {1: 7, 2: 9}))
    assert (found.equal, found.unmatched) == (6, 0)


def test_a_segment_of_another_category_matches_nothing():
    found = counted(PlainMap(FIRST.ids, {1: 7, 2: 8}))
    assert (found.equal, found.unmatched) == (5, 2)


def test_an_overlap_of_half_is_no_match():
    found = counted(PlainMap(np.array([[1, 1, 1, 1], [1, 1, 0, 0]]), {1: 7}))
    assert (found.equal, found.unmatched) == (1, 3)


def test_pictures_add_up():
    found = counted(FIRST)
    found.add(FIRST, PlainMap(np.zeros([2, 4], int), {}))
    assert (found.pixels, found.equal, found.segments, found.unmatched) == (16, 10, 4, 2)


def test_scores_differ_by_those_of_matched_segments():
    first = PlainMap(FIRST.ids, FIRST.categories, {1: 0.5, 2: 0.75})
    difference = Difference()
    difference.add(first, PlainMap(FIRST.ids, {1: 7, 2: 8}, {1: 0.25, 2: 0.0}))
    assert difference.score == 0.25  # The other segments do not match.
    difference.add(first, PlainMap(FIRST.ids, FIRST.categories, {1: 0.5, 2: 0.125}))
    assert difference.score == 0.625
    assert counted(FIRST).score == 0.0
