"""Centers drawn over a picture: each in its cell, in the color of its level."""

import numpy as np

from maskconver_tf.inference.drawing.center_drawing import draw_centers

IMAGE = np.full([256, 256, 3], 100, np.uint8)


def _draw(levels, indices, radii):
    return draw_centers(IMAGE, np.array(levels), np.array(indices), np.array(radii))


def test_a_center_fills_its_cell_and_frames_its_gaussian():
    drawn = _draw([3, -1], [[20, 24], [0, 0]], [2, 0])
    color = drawn[160, 192]
    assert color.tolist() != [60, 60, 60]
    is_color = (drawn == color).all(-1)[120:220, 140:240]  # Away from the legend.
    expected = np.zeros([256, 256], bool)
    # Cell (20, 24) of stride 8, and two cells more on every side.
    expected[144:184, 176:216] = True
    expected[145:183, 177:215] = False
    expected[160:168, 192:200] = True
    np.testing.assert_array_equal(is_color, expected[120:220, 140:240])


def test_levels_differ_in_color_and_size():
    drawn = _draw([3, 4, 5], [[30, 30], [9, 9], [3, 6]], [0, 0, 0])
    colors = [drawn[244, 244], drawn[150, 150], drawn[100, 200]]
    areas = [(drawn == color).all(-1)[80:, 100:].sum() for color in colors]
    assert len({tuple(color) for color in colors}) == 3
    assert areas == [64, 256, 1024]


def test_without_centers_the_picture_is_only_darker():
    assert (_draw([-1], [[0, 0]], [0]) == 60).all()
