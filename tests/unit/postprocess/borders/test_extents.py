"""Areas and boxes of rectangles and of pixels in tiles, worked by hand."""

import numpy as np
import tensorflow as tf

from maskconver_tf.postprocess.borders.extents import NOWHERE, pixel_extents, rectangle_extents


def test_rectangles_of_one_owner_are_joined():
    # (1, 2)-(3, 4) and (0, 3)-(1, 9) of owner 1; owner 0 has none; a rectangle of nobody.
    reaches = tf.constant([[-1, -2, 3, 4], [0, -3, 1, 9], [0, 0, 50, 50]])
    found = rectangle_extents(tf.constant([1, 1, -1]), tf.constant([4, 6, 2500]), reaches, 2)
    assert found.areas.numpy().tolist() == [0, 10]
    assert found.boxes()[1].numpy().tolist() == [0, 2, 3, 9]
    assert (found.reaches[0].numpy() == NOWHERE).all()


def test_pixels_count_from_the_corner_of_their_tile():
    won = np.zeros([2, 3, 3], bool)
    won[0, 1, 2] = won[0, 2, 0] = won[1, 0, 0] = True
    found = pixel_extents(
        tf.constant(won), tf.constant([10, 30]), tf.constant([20, 5]), tf.constant([0, 1]), 3
    )
    assert found.areas.numpy().tolist() == [2, 1, 0]
    assert found.boxes()[:2].numpy().tolist() == [[11, 20, 13, 23], [30, 5, 31, 6]]


def test_sums_and_merges_keep_areas_and_widest_boxes():
    one = rectangle_extents(
        tf.constant([0, 1]), tf.constant([4, 1]), tf.constant([[0, 0, 2, 2], [-7, -7, 8, 8]]), 2
    )
    both = (one + one).merged(tf.constant([0, 0]), 1)
    assert both.areas.numpy().tolist() == [10]
    assert both.boxes().numpy().tolist() == [[0, 0, 8, 8]]
