"""Which cells of a heatmap are negatives: labelled ones, void and padding, on literal maps."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.negative_cells import content_cells, negative_cells, valid_cells

# Labels at stride 4 of an input of 32x32 pixels, whose picture has 13x24. At stride 8 the cells are
# labelled, void (the middle of the first row, the first cell of the second) or padding.
SLOTS = np.zeros([1, 8, 8], np.uint8)
SLOTS[0, :2, :2] = 1
SLOTS[0, 3, 3:6] = 2
SLOTS[0, 0, 5] = 1
LABELS = {
    types.SLOT_MAP: tf.constant(SLOTS),
    types.CONTENT_SIZE: tf.constant([[13, 24]]),
}


@pytest.mark.parametrize(
    ("padding", "void", "expected"),
    [
        ("ignored", "ignored", ["1.1.", ".11.", "....", "...."]),
        ("negative", "ignored", ["1.11", ".111", "1111", "1111"]),
        ("ignored", "negative", ["111.", "111.", "....", "...."]),
        ("negative", "negative", ["1111"] * 4),
    ],
)
def test_padding_and_void_are_told_apart(padding, void, expected):
    cells = negative_cells(LABELS, 3, 4, 4, padding, void)
    assert cells.dtype == tf.float32
    assert ["".join(".1"[int(x)] for x in row) for row in cells[0].numpy()] == expected


def test_a_coarse_cell_with_one_pixel_of_the_picture_is_no_padding():
    """Levels 4 and 5, whose last cells the picture of 17 pixels just reaches."""
    labels = {
        types.SLOT_MAP: tf.zeros([2, 16, 16], tf.uint8),
        types.CONTENT_SIZE: tf.constant([[17, 16], [64, 1]]),
    }
    cells = negative_cells(labels, 4, 4, 4, "negative", "ignored")
    assert (1 - cells[0]).numpy().tolist() == [[1, 0, 0, 0]] * 2 + [[0] * 4] * 2
    assert (1 - cells[1]).numpy().tolist() == [[1, 0, 0, 0]] * 4
    # A grid that extends past an input of 40 pixels: its last cell is not padding.
    assert content_cells(tf.constant([[40, 40]]), 5, 2, 2).numpy().tolist() == [[[1, 1], [1, 1]]]


@pytest.mark.parametrize("void", ["negative", "ignored"])
def test_without_a_content_size_there_is_no_padding(void):
    labels = {types.SLOT_MAP: LABELS[types.SLOT_MAP]}
    whole = labels | {types.CONTENT_SIZE: tf.constant([[32, 32]])}
    for padding in ("negative", "ignored"):
        np.testing.assert_array_equal(
            negative_cells(labels, 3, 4, 4, padding, void),
            negative_cells(whole, 3, 4, 4, padding, void),
        )


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        # Of 96x160 pixels at label stride 4, a map of 24x40, only this pixel is labelled: (20, 31).
        (3, (12, 20, [10, 15])),
        (4, (6, 10, [5, 7])),
        (5, (3, 5, [2, 3])),
        (6, (2, 3, [1, 1])),
        (7, (1, 2, [0, 0])),
    ],
)
def test_a_cell_is_valid_where_any_pixel_under_it_is_labelled(level, expected):
    height, width, cell = expected
    slot_map = np.full([1, 24, 40], types.VOID)
    slot_map[0, 20, 31] = 1
    valid = valid_cells(tf.constant(slot_map), height, width)
    assert valid.shape == (1, height, width)
    assert np.argwhere(valid[0]).tolist() == [cell], f"level {level}"
    assert float(tf.reduce_max(valid)) == 1
