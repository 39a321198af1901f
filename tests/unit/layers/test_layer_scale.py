import numpy as np
import tensorflow as tf

from maskconver_tf.layers.layer_scale import LayerScale
from tests.unit.layers.check_layer import check_layer


def test_is_a_layer_that_multiplies_channels():
    inputs = tf.random.stateless_normal([2, 3, 2, 4], [1, 2])
    layer = check_layer(lambda: LayerScale(0.5), inputs, (2, 3, 2, 4))
    layer.set_weights([np.float32([0, 1, 2, -3])])
    np.testing.assert_allclose(layer(inputs), inputs * np.float32([0, 1, 2, -3]))


def test_starts_with_one_small_number_for_all_channels():
    layer = LayerScale()
    np.testing.assert_allclose(layer(tf.ones([1, 3])), [[1e-6] * 3])
