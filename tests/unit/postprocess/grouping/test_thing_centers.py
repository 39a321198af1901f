"""Centers of things and the nearest one: literal answers."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.postprocess.grouping import thing_centers
from maskconver_tf.postprocess.grouping.thing_centers import find_centers, nearest_centers

HEATMAP = tf.constant(
    [
        [0.9, 0.2, 0.0, 0.0, 0.3],
        [0.2, 0.1, 0.0, 0.5, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.4, 0.0, 0.0, 0.05],
    ]
)


@pytest.mark.parametrize(
    ("window", "threshold", "most", "expected"),
    [
        (3, 0.1, 9, [(0, 0), (1, 3), (3, 1)]),
        (3, 0.01, 9, [(0, 0), (1, 3), (3, 1), (3, 4)]),
        (3, 0.1, 2, [(0, 0), (1, 3)]),
        (7, 0.1, 9, [(0, 0)]),  # 0.5 and 0.4 are within 3 cells of the higher one.
        (1, 0.3, 9, [(0, 0), (1, 3), (3, 1), (0, 4)]),
        (3, 1.0, 9, []),
    ],
)
def test_peaks_by_falling_score(window, threshold, most, expected):
    cells, scores = find_centers(HEATMAP, window, threshold, most)
    assert [tuple(cell) for cell in cells.numpy()] == expected
    np.testing.assert_array_equal(scores, [HEATMAP[cell] for cell in expected])


def test_of_equal_peaks_in_a_window_the_first_counts():
    plateau = tf.constant([[0.5, 0.5, 0.0, 0.0, 0.5], [0.5, 0.5, 0.0, 0.0, 0.0]])
    cells, _ = find_centers(plateau, 3, 0.1, 9)
    assert cells.numpy().tolist() == [[0, 0], [0, 4]]


def test_a_map_of_zeros_or_less_has_no_center():
    for value in (0.0, -1.0):
        cells, scores = find_centers(tf.fill([3, 4], value), 3, 0.0, 9)
        assert cells.shape == (0, 2)
        assert scores.shape == (0,)


def test_nearest_center_and_the_first_of_equal_ones():
    positions = tf.constant([[0.0, 0.0], [0.0, 3.0], [5.0, 2.0], [-9.0, 2.0]])
    centers = tf.constant([[0.0, 1.0], [4.0, 1.0], [0.0, 3.0]])
    assert nearest_centers(positions, centers).numpy().tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize("count", [1, 15, 16, 17, 100])
def test_parts_of_the_pixels_are_put_together(count, monkeypatch):
    monkeypatch.setattr(thing_centers, "PIXELS_AT_A_TIME", 16)
    rng = np.random.default_rng(count)
    positions, centers = rng.normal(size=[count, 2]), rng.normal(size=[5, 2])
    distances = np.linalg.norm(positions[:, np.newaxis] - centers, axis=-1)
    found = nearest_centers(tf.constant(positions, tf.float32), tf.constant(centers, tf.float32))
    np.testing.assert_array_equal(found, distances.argmin(1))
