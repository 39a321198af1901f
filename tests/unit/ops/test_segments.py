"""Areas, boxes and centers of segments: literal answers."""

import numpy as np
import tensorflow as tf

from maskconver_tf.ops.segments import segment_areas, segment_geometry

# Segment 2 is an L, so that its mean is not the center of its box; 3 is absent.
MAP = tf.constant(
    [
        [0, 1, 1, 0, 0, 4],
        [0, 1, 1, 0, 0, 0],
        [2, 0, 0, 0, 0, 0],
        [2, 0, 0, 0, 0, 0],
        [2, 2, 2, 2, 0, 0],
    ]
)


def test_geometry():
    found = segment_geometry(MAP, 4)
    assert found["areas"].numpy().tolist() == [4, 6, 0, 1]
    assert found["boxes"].numpy().tolist() == [[0, 1, 2, 3], [2, 0, 5, 4], [0] * 4, [0, 5, 1, 6]]
    expected = [[1.0, 2.0], [(2.5 + 3.5 + 4 * 4.5) / 6, (3 * 0.5 + 1.5 + 2.5 + 3.5) / 6]]
    np.testing.assert_allclose(found["centers"][:2], expected, rtol=1e-6)
    assert found["centers"][2:].numpy().tolist() == [[0, 0], [0.5, 5.5]]


def test_dtypes():
    dtypes = {name: value.dtype for name, value in segment_geometry(MAP, 4).items()}
    centers = dtypes.pop("centers")
    assert (centers, set(dtypes.values())) == (tf.float32, {tf.int32})


def test_negative_values_are_no_segment():
    found = segment_geometry(tf.constant([[-1, 1], [-1, -1]], tf.int16), 1)
    assert found["areas"].numpy().tolist() == [1]
    assert found["boxes"].numpy().tolist() == [[0, 1, 1, 2]]


def test_no_segments():
    found = segment_geometry(tf.zeros([3, 4], tf.int32), 0)
    shapes = {name: value.shape.as_list() for name, value in found.items()}
    assert shapes == {"areas": [0], "centers": [0, 2], "boxes": [0, 4], "first_pixels": [0, 2]}
    assert segment_areas(tf.zeros([3, 4], tf.int32), 0).shape == [0]


def test_more_segments_than_a_byte_counts():
    segment_map = tf.reshape(tf.range(1, 601), [20, 30])
    found = segment_geometry(segment_map, 600)
    assert set(found["areas"].numpy()) == {1}
    assert found["boxes"][299].numpy().tolist() == [9, 29, 10, 30]
    np.testing.assert_array_equal(segment_areas(segment_map, 600), np.ones(600))


def test_center_of_a_large_segment_is_exact():
    # 4.2 million pixels: sums of positions are far beyond what float32 holds exactly.
    found = segment_geometry(tf.ones([2048, 2051], tf.int32), 1)
    assert found["centers"].numpy().tolist() == [[1024.0, 1025.5]]
    assert found["areas"].numpy().tolist() == [2048 * 2051]


def test_areas():
    assert segment_areas(MAP, 4).numpy().tolist() == [4, 6, 0, 1]


def test_first_pixels_in_reading_order():
    rows, columns = MAP.shape
    found = segment_geometry(MAP, 4)["first_pixels"].numpy()
    assert found[[0, 1, 3]].tolist() == [[0, 1], [2, 0], [0, 5]]
    assert not (found[2] < [rows, columns]).all()
