"""Gaussians of the center heatmap: literal answers."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.ops.gaussian import draw_heatmap, draw_round_gaussians, gaussian_radius


def _draw(centers, size, num_classes=1):
    """One picture's heatmap; centers are (y, x, radius, class)."""
    values = tf.constant(centers, tf.int32, [1, len(centers), 4])
    indices, radii, class_ids = values[..., :2], values[..., 2], values[..., 3]
    return draw_heatmap(indices, radii, class_ids, *size, num_classes)[0].numpy()


@pytest.mark.parametrize(
    ("min_iou", "radius"),
    [
        # A 10x10 box: shrunk by r on each side, (10 - 2r)^2 = 100 iou; the tightest here.
        (0.7, 0.8167),
        # Shifted by r in both directions, (10 - r)^2 = 100 * 2 iou / (1 + iou), binds never alone:
        # at 0.25 it allows 3.675 and shrinking 2.5.
        (0.25, 2.5),
        (1.0, 0.0),
    ],
)
def test_radius_of_a_square(min_iou, radius):
    np.testing.assert_allclose(gaussian_radius([[10, 10]], min_iou), [radius], atol=1e-4)


def test_radius_of_a_long_box():
    # Of 2x20 at 0.7: grown, 40 / ((2 + 2r)(20 + 2r)) = 0.7 at 0.3686; shifted 0.3274; shrunk,
    # (2 - 2r)(20 - 2r) = 28 at 0.2800.
    np.testing.assert_allclose(gaussian_radius([2.0, 20.0], 0.7), 0.28, atol=1e-3)


def test_one_center_of_radius_1():
    e2, e4 = np.exp(-2.0), np.exp(-4.0)  # Sigma is (2 + 1) / 6.
    expected = [
        [0, 0, 0, 0, 0],
        [0, e4, e2, e4, 0],
        [0, e2, 1, e2, 0],
        [0, e4, e2, e4, 0],
    ]
    np.testing.assert_allclose(_draw([(2, 2, 1, 0)], (4, 5))[..., 0], expected, atol=1e-7)


def test_radius_0_is_a_single_cell():
    expected = np.zeros([4, 4])
    expected[3, 0] = 1
    np.testing.assert_array_equal(_draw([(3, 0, 0, 0)], (4, 4))[..., 0], expected)


def test_overlaps_take_the_maximum():
    e2 = np.exp(-2.0)
    row = _draw([(0, 1, 1, 0), (0, 3, 1, 0)], (1, 5))[0, :, 0]
    np.testing.assert_allclose(row, [e2, 1, e2, 1, e2], atol=1e-7)


def test_a_large_gaussian_does_not_bury_a_small_center_nor_gain_a_second_one():
    heatmap = _draw([(2, 2, 2, 0), (2, 3, 0, 0)], (5, 6))[..., 0]
    assert np.argwhere(heatmap == 1.0).tolist() == [[2, 2], [2, 3]]


@pytest.mark.parametrize("radius", [0, 1, 5, 40])
def test_a_center_draws_exactly_one_cell_of_value_1(radius):
    heatmap = _draw([(3, 60, radius, 0)], (64, 64))[..., 0]
    assert np.argwhere(heatmap == 1.0).tolist() == [[3, 60]]


def test_classes_have_channels_of_their_own_and_pictures_too():
    indices = tf.constant([[[0, 0], [1, 1]], [[0, 1], [0, 0]]])
    radii = tf.zeros([2, 2], tf.int32)
    class_ids = tf.constant([[2, 0], [2, -1]])
    drawn = draw_heatmap(indices, radii, class_ids, 2, 2, 3).numpy()
    # The empty slot's (0, 0) shows nowhere: neither in the last class nor in the picture before.
    assert np.argwhere(drawn == 1.0).tolist() == [[0, 0, 0, 2], [0, 1, 1, 0], [1, 0, 1, 2]]
    assert drawn.sum() == 3.0


def test_no_slots_draw_an_empty_heatmap():
    nothing = tf.zeros([2, 0], tf.int32)
    drawn = draw_heatmap(tf.zeros([2, 0, 2], tf.int32), nothing, nothing, 3, 4, 5)
    np.testing.assert_array_equal(drawn, np.zeros([2, 3, 4, 5]))


# ---- Gaussians of one size -----------------------------------------------------------------------
def test_round_gaussians_are_evaluated_at_the_middles_of_cells():
    # Middles are at 2, 6, 10 pixels. The first center is on one, the second is absent.
    centers = tf.constant([[[2.0, 6.0], [2.0, 2.0]]])
    found = draw_round_gaussians(centers, tf.constant([[True, False]]), 4.0, 2, 3, 4)
    near, far = np.exp(-0.5), np.exp(-1.0)  # One cell is one sigma; far is one cell both ways.
    np.testing.assert_allclose(found, [[[near, 1, near], [far, near, far]]], atol=1e-6)


def test_round_gaussians_take_the_maximum_and_may_peak_below_1():
    centers = tf.constant([[[4.0, 4.0], [4.0, 8.0]]])
    found = draw_round_gaussians(centers, tf.constant([[True, True]]), 8.0, 2, 3, 4)
    corner = np.exp(-8 / 128)  # 2 pixels away in y and in x.
    np.testing.assert_allclose(found, [[[corner, corner, corner]] * 2], atol=1e-6)


def test_no_round_gaussian_is_a_heatmap_of_zeros():
    found = draw_round_gaussians(tf.zeros([1, 3, 2]), tf.zeros([1, 3], tf.bool), 8.0, 2, 2, 4)
    np.testing.assert_array_equal(found, np.zeros([1, 2, 2]))
