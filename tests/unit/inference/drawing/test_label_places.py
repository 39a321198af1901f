"""Labels stand on their segments, inside the picture, and on no other label."""

import numpy as np

from maskconver_tf.inference.drawing.border_distance import border_distance
from maskconver_tf.inference.drawing.label_places import place_labels


def places(index, sizes):
    return place_labels(index, border_distance(index), sizes)


def test_label_is_centered_on_the_deepest_pixel():
    index = np.zeros((21, 41), int)
    index[3:18, 20:35] = 1  # Deepest at its middle, (10, 27).
    assert places(index, [(5, 9)]) == {0: (10 - 2, 27 - 4)}


def test_edge_of_the_picture_is_a_border_too():
    """Two halves have their labels in their middles, not as far apart as the picture allows."""
    halves = np.ones((21, 80), int)
    halves[:, 40:] = 2
    corners = places(halves, [(5, 9), (5, 9)])
    assert [y for y, _ in corners.values()] == [10 - 2] * 2
    assert 6 <= corners[0][1] <= 25
    assert 46 <= corners[1][1] <= 65


def test_label_that_others_would_hide_is_left_out():
    index = np.ones((10, 40), int)
    index[:, 18:] = 2
    assert list(places(index, [(10, 30), (10, 30)])) == [0]
    assert sorted(places(index, [(10, 20), (10, 20)])) == [0, 1]


def test_ring_carries_its_label_and_not_its_hole():
    rows, columns = np.mgrid[-30:31, -30:31]
    radius = np.hypot(rows, columns)
    index = np.where(radius < 15, 1, np.where(radius < 29, 2, 0))
    ball, ring = (places(index, [(6, 8), (6, 8)])[i] for i in (0, 1))
    assert radius[ball[0] + 3, ball[1] + 4] < 3
    assert 15 <= radius[ring[0] + 3, ring[1] + 4] < 29


def test_segment_smaller_than_half_its_label_has_none():
    index = np.zeros((30, 30), int)
    index[5:10, 5:10] = 1  # 25 pixels.
    assert list(places(index, [(5, 10)])) == [0]
    assert places(index, [(5, 11)]) == {}


def test_label_larger_than_the_picture_has_no_place():
    assert places(np.ones((4, 200), int), [(5, 9)]) == {}
    assert places(np.ones((1, 1), int), [(1, 1)]) == {0: (0, 0)}


def test_segment_without_pixels_has_none():
    assert list(places(np.full((9, 9), 2), [(2, 2), (2, 2)])) == [1]


def test_the_large_segment_makes_way_for_the_small():
    """Both are deepest in the middle; only the large one has other places."""
    index = np.ones((60, 120), int)
    index[25:35, 50:70] = 2
    corners = places(index, [(10, 30), (10, 30)])
    centers = [(corners[i][0] + 5, corners[i][1] + 15) for i in (0, 1)]
    assert [index[center] for center in centers] == [1, 2]
    assert not _overlap(corners[0], corners[1], (10, 30))


def test_labels_on_crowded_maps_stay_inside_apart_and_on_their_segments():
    rng = np.random.default_rng(1)
    num_placed = 0
    for _ in range(20):
        index = np.kron(rng.integers(0, 12, (6, 6)), np.ones((12, 14), int))
        size = (9, 20)
        corners = places(index, [size] * 11)
        num_placed += len(corners)
        for segment, (y, x) in corners.items():
            assert 0 <= y <= 72 - size[0]
            assert 0 <= x <= 84 - size[1]
            assert (index[y : y + size[0], x : x + size[1]] == segment + 1).any()
        shared = [
            _overlap(a, b, size) for i, a in corners.items() for j, b in corners.items() if i < j
        ]
        assert sum(shared) <= 0.1 * 180 * len(corners)
    assert num_placed > 60


def _overlap(one, other, size):
    return np.prod([max(0, s - abs(a - b)) for a, b, s in zip(one, other, size, strict=True)])
