"""The mean of the largest losses: literal answers."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.losses.hard_pixels import mean_of_largest

LOSSES = [[1.0, 4.0, 2.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0, 5.0]]


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.2, [4.0, 5.0]), (0.4, [3.5, 2.5]), (1.0, [2.0, 1.0]), (0.0, [4.0, 5.0])],
)
def test_rows_are_ranked_by_themselves(share, expected):
    np.testing.assert_allclose(mean_of_largest(tf.constant(LOSSES), share), expected)


def test_only_the_largest_get_a_gradient():
    losses = tf.Variable(LOSSES)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(mean_of_largest(losses, 0.4))
    gradient = tape.gradient(total, losses).numpy()
    np.testing.assert_allclose(gradient[0], [0, 0.5, 0, 0.5, 0])
    assert gradient[1, 4] == 0.5
