"""Pixels between cells as bilinear resize places them."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.postprocess.borders.picture_axis import picture_axis


def test_four_pixels_over_two_cells():
    """Cell centers lie at 0.5 and 1.5 cells; pixels at 0.25, 0.75, 1.25 and 1.75."""
    axis = picture_axis(tf.constant(2), tf.constant(4))
    assert axis.gap_of.numpy().tolist() == [0, 1, 1, 2]
    assert axis.weights.numpy().tolist() == [0.75, 0.25, 0.75, 0.25]
    assert axis.sizes().numpy().tolist() == [1, 2, 1]


@pytest.mark.parametrize(("cells", "pixels"), [(1, 1), (1, 40), (5, 3), (7, 7), (6, 151), (160, 9)])
def test_bands_cut_all_pixels_once_and_weights_are_those_of_resize(cells, pixels):
    axis = picture_axis(tf.constant(cells), tf.constant(pixels))
    assert int(tf.reduce_sum(axis.counts)) == pixels
    assert int(tf.reduce_max(axis.counts)) == int(axis.band_size)
    bands = axis.band_of_pixel().numpy()
    pixel_of_band = axis.band_pixels().numpy().reshape(-1, int(axis.band_size))
    for pixel, band in enumerate(bands):
        assert pixel in pixel_of_band[band]
    values = np.random.default_rng(0).normal(size=[1, cells, 1]).astype(np.float32)
    padded = np.pad(values[0, :, 0], 1, "edge")
    first, second = padded[axis.gap_of.numpy()], padded[axis.gap_of.numpy() + 1]
    found = first + (second - first) * axis.weights.numpy()
    expected = tf.image.resize(values[tf.newaxis], [1, pixels])[0, 0, :, 0]
    np.testing.assert_array_equal(found, expected)
