"""A class map from a segment map, on maps that fit on a screen."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.input.semantic_targets import SemanticTargets

SEGMENTS = [[1, 1, 2, 2], [1, 0, 2, 2], [3, 3, 4, 0], [3, 3, 0, 4]]
"""1 and 3 are things of class 5, 2 stuff of class 0, 4 a crowd of class 5."""
CLASS_IDS, IS_CROWD = [5, 0, 5, 5], [False, False, False, True]


@pytest.mark.parametrize(
    ("stride", "input_size", "expected"),
    [
        (1, None, [[5, 5, 0, 0], [5, -1, 0, 0], [5, 5, 5, -1], [5, 5, -1, 5]]),
        (2, None, [[-1, 0], [5, 5]]),
        (2, (8, 4), [[-1, 0], [5, 5], [-1, -1], [-1, -1]]),
    ],
)
def test_all_segments_of_a_class_get_its_id_and_void_gets_none(stride, input_size, expected):
    found = SemanticTargets(stride)(
        tf.constant(SEGMENTS), tf.constant(CLASS_IDS), tf.constant(IS_CROWD), input_size
    )
    assert list(found) == [types.CLASS_MAP]
    np.testing.assert_array_equal(found[types.CLASS_MAP], expected)


def test_a_picture_without_segments_is_void():
    nothing = tf.zeros([0], tf.int32)
    found = SemanticTargets()(tf.zeros([4, 6], tf.int32), nothing, nothing > 0, (4, 8))
    np.testing.assert_array_equal(found[types.CLASS_MAP], np.full([2, 4], types.NO_CLASS))
