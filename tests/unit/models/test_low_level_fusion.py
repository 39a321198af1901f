import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.models.low_level_fusion import LowLevelFusion
from tests.unit.layers.check_layer import check_layer, shake

COARSE = tf.random.stateless_normal([2, 3, 4, 5], [1, 2])
FINE = tf.random.stateless_normal([2, 5, 8, 3], [1, 3])


def apply(fusion, inputs, training):
    return fusion(*inputs, training=training)


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_is_a_layer_for_an_odd_size(norm):
    make = lambda: LowLevelFusion(norm, name="fusion")  # noqa: E731
    check_layer(make, (COARSE, FINE), (2, 5, 8, 5), apply)


def test_adds_what_is_positive_of_the_projected_fine_feature():
    fusion = LowLevelFusion("layer")
    flat = tf.ones_like(COARSE) * tf.range(5.0)
    fusion(flat, FINE)
    shake(fusion)
    x = FINE.numpy() @ fusion.project.kernel.numpy()[0, 0]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    x = np.maximum(x * fusion.norm.gamma.numpy() + fusion.norm.beta.numpy(), 0)
    np.testing.assert_allclose(fusion(flat, FINE), x + np.arange(5), atol=1e-5)


def test_the_coarse_feature_is_interpolated():
    fusion = LowLevelFusion("layer")
    row = tf.reshape([0.0, 4.0], [1, 1, 2, 1])
    fine = tf.zeros([1, 1, 4, 3])
    np.testing.assert_allclose(fusion(row, fine)[0, 0, :, 0], [0, 1, 3, 4], atol=1e-6)
