"""One gather over all pyramid levels picks each center's own cell."""

import numpy as np
import tensorflow as tf

from maskconver_tf.ops.centers import (
    cell_middles,
    cells_of,
    flat_indices,
    flatten_levels,
    gather_cells,
)
from maskconver_tf.ops.resize import level_size
from maskconver_tf.types import PAD_ID

INPUT_SIZE = (96, 160)  # Multiples of 32; levels 6 and 7 overhang.
SIZES = {level: level_size(INPUT_SIZE, level) for level in (7, 3, 4, 5, 6)}


def _features():
    """Features that tell where they are from: [picture, level, y, x]."""
    features = {}
    for level, (height, width) in SIZES.items():
        picture, rows, columns = np.mgrid[:2, :height, :width]
        where = np.stack([picture, np.full_like(rows, level), rows, columns], -1)
        features[level] = tf.constant(where, tf.float32)
    return features


def test_every_center_gets_the_features_of_its_cell():
    levels = tf.constant([[3, 3, 4, 5], [6, 6, 7, 7]])
    indices = tf.constant(
        [[[0, 0], [11, 19], [5, 9], [2, 4]], [[1, 2], [0, 1], [0, 0], [0, 1]]], tf.int32
    )
    positions = flat_indices(levels, indices, SIZES)
    assert positions.dtype == tf.int32
    found = gather_cells(flatten_levels(_features()), positions).numpy().astype(int)
    assert found[0].tolist() == [[0, 3, 0, 0], [0, 3, 11, 19], [0, 4, 5, 9], [0, 5, 2, 4]]
    assert found[1].tolist() == [[1, 6, 1, 2], [1, 6, 0, 1], [1, 7, 0, 0], [1, 7, 0, 1]]


def test_levels_lie_end_to_end_finest_first():
    sizes = {2: (2, 3), 1: (4, 6)}
    levels, indices = tf.constant([[1, 1, 2, 2]]), tf.constant([[[0, 5], [3, 5], [0, 0], [1, 2]]])
    assert flat_indices(levels, indices, sizes).numpy().tolist() == [[5, 23, 24, 29]]


def test_empty_slots_point_at_a_cell_that_exists():
    levels, indices = tf.constant([[PAD_ID, 3]]), tf.constant([[[0, 0], [0, 1]]])
    assert flat_indices(levels, indices, SIZES).numpy().tolist() == [[0, 1]]


def test_every_position_is_of_one_level_and_cell():
    flat = flatten_levels(_features()).numpy().astype(int)
    positions = tf.tile(tf.range(flat.shape[1])[tf.newaxis], [2, 1])
    levels, cells = cells_of(positions, SIZES)
    np.testing.assert_array_equal(levels, flat[..., 1])
    np.testing.assert_array_equal(cells, flat[..., 2:])
    np.testing.assert_array_equal(flat_indices(levels, cells, SIZES), positions)


def test_middles_of_cells_in_input_pixels():
    levels = tf.constant([[2, 3, 7, PAD_ID]])
    cells = tf.constant([[[0, 0], [11, 19], [0, 1], [0, 0]]])
    middles = cell_middles(levels, cells)
    assert middles.dtype == tf.float32
    assert middles.numpy().tolist() == [[[2, 2], [92, 156], [64, 192], [0.5, 0.5]]]
