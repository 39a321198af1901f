"""Level, cell and radius of the center of each segment."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.input.targets import assign_levels, center_cells
from maskconver_tf.ops.resize import level_size
from tests.unit.input.targets.literal_maps import build_labels, paint_boxes

LEVELS, BOUNDS = (3, 4, 5, 6, 7), (100, 200, 400, 800)


@pytest.mark.parametrize(
    ("height", "width", "level"),
    [
        (1, 1, 3),
        (120, 160, 3),  # Half the diagonal is 100, which is the bound and still in the level.
        (121, 160, 4),
        (240, 320, 4),
        (240, 321, 5),
        (480, 640, 5),
        (481, 640, 6),
        (960, 1280, 6),
        (961, 1280, 7),
        (5000, 5000, 7),
    ],
)
def test_level_of_a_box(height, width, level):
    boxes = tf.constant([[7, 9, 7 + height, 9 + width]])
    assert assign_levels(boxes, LEVELS, BOUNDS).numpy().tolist() == [level]


def test_levels_rise_with_size_and_leave_no_gap():
    sides = np.arange(1, 2400)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], -1).astype(np.int32)
    levels = assign_levels(tf.constant(boxes), LEVELS, BOUNDS).numpy()
    steps = np.diff(levels)
    assert levels[0] == 3
    assert levels[-1] == 7
    assert set(steps) == {0, 1}
    assert (sides[1:][steps == 1] / np.sqrt(2)).astype(int).tolist() == list(BOUNDS)


def test_a_segment_on_a_bound_gets_one_center():
    # 3-4-5: half the diagonal of 6x8 is 5.
    labels = build_labels(paint_boxes((1, 0, 7, 8)), [0], level_bounds=(5,))
    assert labels[types.CENTER_LEVELS].tolist() == [2, -1, -1, -1]


def test_a_single_level_takes_all_sizes():
    boxes = tf.constant([[0, 0, 1, 1], [0, 0, 4000, 4000]])
    assert assign_levels(boxes, (4,), ()).numpy().tolist() == [4, 4]


def test_the_box_decides_the_level_and_the_mask_the_center():
    # An L of 8x8: its box is large, and the mean of its pixels is near its corner.
    segment_map = np.zeros([8, 8], np.int32)
    segment_map[:, 0] = segment_map[7] = 1
    labels = build_labels(segment_map, [0], level_bounds=(5.6,))
    assert labels[types.CENTER_LEVELS][0] == 3  # 5.66
    labels = build_labels(segment_map, [0], center_levels=(1,), level_bounds=())
    # Rows: (0.5 + ... + 7.5 + 7 * 7.5) / 15 = 5.63; columns: 8 - 5.63. The box's center is (4, 4).
    assert labels[types.CENTER_INDICES][0].tolist() == [2, 1]


def test_box_centers_change_nothing_but_the_center():
    # The same L: the middle of its box, (4, 4), is not one of its pixels.
    segment_map = np.zeros([8, 8], np.int32)
    segment_map[:, 0] = segment_map[7] = 1
    settings = {"center_levels": (0,), "level_bounds": ()}
    mask = build_labels(segment_map, [0], **settings)
    box = build_labels(segment_map, [0], centers="box", **settings)
    assert mask[types.CENTER_INDICES][0].tolist() == [5, 2]
    assert box[types.CENTER_INDICES][0].tolist() == [4, 4]
    for name in mask.keys() - {types.CENTER_INDICES}:
        np.testing.assert_array_equal(box[name], mask[name])


def test_the_center_of_a_box_with_even_sides_is_between_pixels():
    labels = build_labels(
        paint_boxes((2, 1, 4, 8)), [0], center_levels=(0,), level_bounds=(), centers="box"
    )
    assert labels[types.CENTER_INDICES][0].tolist() == [3, 4]  # (3, 4.5)


@pytest.mark.parametrize("input_size", [(96, 160), (800, 1216), (32, 32)])
def test_cells_are_inside_levels_that_are_larger_than_the_input(input_size):
    height, width = input_size
    corner = tf.constant([[height - 0.5, width - 0.5], [0.5, 0.5]])
    for level in LEVELS:
        cells = center_cells(corner, tf.constant([level, level]), tf.constant(input_size))
        rows, columns = level_size(input_size, level)
        assert cells.numpy().tolist() == [[rows - 1, columns - 1], [0, 0]]


def test_a_center_between_cells_belongs_to_the_later_one():
    cells = center_cells(
        tf.constant([[8.0, 7.99], [64.0, 64.0]]), tf.constant([3, 3]), tf.constant([64, 64])
    )
    assert cells.numpy().tolist() == [[1, 0], [7, 7]]  # There are 8 cells, 0 to 7.


def test_radius_is_in_cells_of_the_segments_own_level():
    segment_map = paint_boxes((8, 8, 88, 88), size=(96, 96))
    # Half the diagonal is 56.6. 20 cells of stride 4: 20 (1 - sqrt(0.7)) / 2 = 1.63; 10 of 8: 0.82.
    for bound, level, radius in ((57, 2, 1), (56, 3, 0)):
        labels = build_labels(segment_map, [0], level_bounds=(bound,))
        assert labels[types.CENTER_LEVELS][0] == level
        assert labels[types.GAUSSIAN_RADII].tolist() == [radius, 0, 0, 0]
    labels = build_labels(segment_map, [0], level_bounds=(57,), gaussian_iou=0.3)
    assert labels[types.GAUSSIAN_RADII][0] == 4  # 20 (1 - sqrt(0.3)) / 2 = 4.52


def test_mirrored_maps_have_mirrored_labels():
    boxes = [(0, 0, 20, 12), (0, 12, 20, 24), (0, 24, 16, 64), (20, 0, 32, 56), (4, 32, 8, 36)]
    segment_map = paint_boxes(*boxes, size=(32, 64))
    settings = {
        "num_slots": 6,
        "center_levels": (2, 3, 4),
        "level_bounds": (9, 25),
        "label_stride": 2,
    }
    labels = build_labels(segment_map, [0, 0, 3, 1, 2], **settings)
    mirrored = build_labels(segment_map[:, ::-1], [0, 0, 3, 1, 2], **settings)
    assert labels[types.CENTER_LEVELS].tolist() == [4, 3, 3, 3, 2, -1]
    np.testing.assert_array_equal(mirrored[types.SLOT_MAP], labels[types.SLOT_MAP][:, ::-1])
    for name in (types.SLOT_CLASS_IDS, types.CENTER_LEVELS, types.GAUSSIAN_RADII):
        np.testing.assert_array_equal(mirrored[name], labels[name])
    used = labels[types.CENTER_LEVELS] >= 0
    rows, columns = labels[types.CENTER_INDICES][used].T
    widths = 64 // 2 ** labels[types.CENTER_LEVELS][used]
    expected = np.stack([rows, widths - 1 - columns], -1)
    np.testing.assert_array_equal(mirrored[types.CENTER_INDICES][used], expected)
