import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.layers import first_weights

TRUNCATED = 0.8796
"""Standard deviation of a normal distribution that is cut at two standard deviations."""


@pytest.mark.parametrize(
    ("make", "deviation", "largest"),
    [
        (first_weights.convnext_weights, TRUNCATED * 0.02, 0.04),
        (first_weights.output_weights, TRUNCATED * 0.01, 0.02),
        (first_weights.table_weights, 0.05 / np.sqrt(3), 0.05),
    ],
)
def test_distributions(make, deviation, largest):
    weights = make()([200, 200]).numpy()
    assert weights.std() == pytest.approx(deviation, rel=0.02)
    assert 0.95 * largest < np.abs(weights).max() <= largest
    assert np.abs(make()([200, 200]) - weights).max() > 0  # A new object, other numbers.


@pytest.mark.parametrize("size", [1, 3, 7])
def test_depthwise_weights_keep_the_variance_of_a_feature(size):
    x = tf.random.stateless_normal([1, 30, 30, 500], [1, 2])
    kernel = first_weights.depthwise_weights(size)([size, size, 500, 1])
    y = tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "VALID")
    assert float(tf.math.reduce_std(y)) == pytest.approx(1, abs=0.1)
