import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.layers.lateral import Lateral
from tests.unit.layers.check_layer import check_layer, shake

SUM = tf.random.stateless_normal([2, 3, 5, 4], [1, 2])
FEATURE = tf.random.stateless_normal([2, 3, 5, 7], [1, 3])


def apply(lateral, inputs, training):
    return lateral(*inputs, training=training)


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_is_a_layer(norm):
    check_layer(lambda: Lateral(norm, name="lateral"), (SUM, FEATURE), (2, 3, 5, 4), apply)


def test_adds_the_projected_and_normed_feature_with_its_sign():
    lateral = Lateral()
    lateral(SUM, FEATURE)
    shake(lateral)
    x = FEATURE.numpy() @ lateral.project.kernel.numpy()[0, 0]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    x = x * lateral.norm.gamma.numpy() + lateral.norm.beta.numpy()
    assert (x < 0).any()
    np.testing.assert_allclose(lateral(SUM, FEATURE), SUM + x, atol=1e-5)
