"""Segment maps in slots and on coarser grids: literal answers."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.ops.segment_maps import sample_segment_map, slot_table
from maskconver_tf.ops.segments import segment_geometry


def _sampled(segment_map, num_segments, stride):
    segment_map = tf.constant(segment_map, tf.uint16)
    first_pixels = segment_geometry(segment_map, num_segments)["first_pixels"]
    return sample_segment_map(segment_map, first_pixels, stride)


def test_slots_of_segments():
    # The first slot holds the third segment, the second slot the first; void never has one.
    assert slot_table(tf.constant([2, 0]), 4).numpy().tolist() == [0, 2, 0, 1, 0]


def test_no_slots():
    assert slot_table(tf.zeros([0], tf.int32), 2).numpy().tolist() == [0, 0, 0]
    assert slot_table(tf.zeros([0], tf.int32), 0).numpy().tolist() == [0]


def test_stride_1_changes_nothing():
    segment_map = [[0, 1], [2, 1]]
    np.testing.assert_array_equal(_sampled(segment_map, 2, 1), segment_map)


def test_large_segments_are_sampled():
    segment_map = np.zeros([8, 8], np.int32)
    segment_map[:4] = 1
    segment_map[4:, 4:] = 2
    expected = [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 2, 2], [0, 0, 2, 2]]
    assert _sampled(segment_map, 2, 2).numpy().tolist() == expected
    assert _sampled(segment_map, 2, 4).numpy().tolist() == [[1, 1], [0, 2]]


@pytest.mark.parametrize("stride", [2, 4])
def test_a_one_pixel_segment_survives_wherever_it_is(stride):
    for row, column in np.ndindex(stride, stride):
        segment_map = np.ones([8, 8], np.int32)
        segment_map[stride + row, column] = 2
        expected = np.ones([8 // stride, 8 // stride])
        expected[1, 0] = 2
        np.testing.assert_array_equal(_sampled(segment_map, 2, stride), expected)


def test_a_thin_line_between_the_samples_keeps_the_cell_of_its_first_pixel():
    segment_map = np.ones([4, 8], np.int32)
    segment_map[2, 1:7] = 2  # Samples lie in rows 1 and 3.
    assert _sampled(segment_map, 2, 2).numpy().tolist() == [[1] * 4, [2, 1, 1, 1]]


def test_segments_without_pixels_claim_no_cell():
    assert _sampled(np.ones([4, 4]), 3, 2).numpy().tolist() == [[1, 1], [1, 1]]


def test_more_segments_than_a_byte_counts():
    numbers = np.arange(1, 401, dtype=np.int32).reshape(20, 20)
    segment_map = np.kron(numbers, np.ones([2, 2], np.int32))
    np.testing.assert_array_equal(_sampled(segment_map, 400, 2), numbers)
