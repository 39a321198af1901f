"""Areas and centers of slots: literal maps, and a slow loop."""

import numpy as np
import tensorflow as tf

from maskconver_tf.ops.slot_geometry import slot_areas_and_centers


def test_worked_example():
    slot_map = [[1, 1, 0, 3], [1, 1, 0, 3], [0, 0, 0, 3]]
    areas, centers = slot_areas_and_centers(tf.constant([slot_map], tf.uint8), 3)
    np.testing.assert_allclose(areas, [[4, 0, 3]])
    # Middles of cells: slot 1 is at rows 0.5, 1.5; slot 2 has no cell, so it has the map's middle.
    np.testing.assert_allclose(centers, [[[1, 1], [1.5, 2], [1.5, 3.5]]], atol=1e-6)


def test_pictures_of_a_batch_do_not_mix():
    maps = np.random.default_rng(0).integers(0, 5, [3, 7, 9]).astype(np.uint16)
    areas, centers = slot_areas_and_centers(tf.constant(maps), 6)
    for i, slot_map in enumerate(maps):
        for slot in range(1, 5):
            cells = np.argwhere(slot_map == slot)
            assert areas[i, slot - 1] == len(cells)
            np.testing.assert_allclose(centers[i, slot - 1], cells.mean(0) + 0.5, atol=1e-5)
    np.testing.assert_array_equal(areas[:, 4:], 0)


def test_large_slots_have_exact_centers():
    """Plain float32 sums of 16 million positions would be off by cells."""
    slot_map = tf.ones([1, 2048, 4096], tf.uint8)
    _, centers = slot_areas_and_centers(slot_map, 1)
    np.testing.assert_allclose(centers, [[[1024, 2048]]], atol=0.01)
