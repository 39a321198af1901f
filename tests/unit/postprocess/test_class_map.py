"""Class maps at original size, against one resize of all classes."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.postprocess.class_map import CLASSES_PER_CHUNK, class_map


def test_the_content_alone_is_scaled_to_the_picture():
    """Two by two cells of stride 4 in use, of three by four; the picture is twice their size."""
    logits = np.zeros([3, 4, 3], np.float32)
    logits[:2, :2] = [[[2, 0, 0], [0, 2, 0]], [[2, 0, 0], [0, 0, 2]]]
    logits[2:], logits[:, 2:] = [0, 9, 0], [0, 9, 0]
    found = class_map(logits, tf.constant([8, 8]), tf.constant([4, 4]), 4)
    np.testing.assert_array_equal(found, [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 2, 2]])


@pytest.mark.parametrize("num_classes", [1, CLASSES_PER_CHUNK, 2 * CLASSES_PER_CHUNK + 3])
def test_chunks_of_classes_are_as_all_at_once(num_classes):
    logits = tf.random.stateless_normal([5, 6, num_classes], [1, 2])
    found = class_map(logits, tf.constant([20, 24]), tf.constant([13, 31]), 4)
    expected = tf.argmax(tf.image.resize(logits, [13, 31]), axis=-1)
    np.testing.assert_array_equal(found, expected)


def test_of_classes_with_equal_logits_the_lower_one_wins():
    found = class_map(tf.zeros([2, 2, 40]), tf.constant([8, 8]), tf.constant([8, 8]), 4)
    np.testing.assert_array_equal(found, np.zeros([8, 8]))
