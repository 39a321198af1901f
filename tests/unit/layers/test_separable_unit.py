import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.layers.separable_unit import SeparableUnit
from tests.unit.layers.check_layer import check_layer, shake


def both_levels(unit, x, training):
    return {level: unit(x[level], level=level, training=training) for level in (3, 4)}


def features(seed=1):
    return {
        3: tf.random.stateless_normal([2, 4, 6, 3], [seed, 3]),
        4: tf.random.stateless_normal([2, 2, 3, 3], [seed, 4]),
    }


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_is_a_layer(norm):
    check_layer(
        lambda: SeparableUnit(5, 3, levels=[3, 4], norm=norm, activation="gelu", name="unit"),
        features(),
        {3: (2, 4, 6, 5), 4: (2, 2, 3, 5)},
        both_levels,
    )


def test_levels_share_convolutions_and_have_norms_of_their_own():
    unit = SeparableUnit(5, 3, levels=[3, 4], norm="layer")
    x = features()[4]
    np.testing.assert_array_equal(unit(x, level=3), unit(x, level=4))
    names = sorted(w.name.split(":")[0].split("/", 1)[1] for w in unit.weights)
    norms = [
        f"{kind}_norm_{level}/{weight}"
        for kind in ("channel", "spatial")
        for level in (3, 4)
        for weight in ("beta", "gamma")
    ]
    assert names == sorted(["depthwise/depthwise_kernel", "pointwise/kernel", *norms])

    before = unit(x, level=4)
    for kind in (unit.spatial_norms, unit.channel_norms):
        kind["3"].beta.assign_add(tf.ones_like(kind["3"].beta))
    np.testing.assert_array_equal(unit(x, level=4), before)
    assert np.abs(unit(x, level=3) - before).max() > 0.1


def test_activates_after_each_of_the_two_norms():
    unit = SeparableUnit(5, kernel_size=1, levels=[3], norm="layer")
    x = features()[3]
    unit(x, level=3)
    shake(unit)
    depthwise, pointwise = unit.depthwise.get_weights()[0], unit.pointwise.get_weights()[0]
    y = np.maximum(_layer_norm(unit.spatial_norms["3"], x.numpy() * depthwise[0, 0, :, 0]), 0)
    y = np.maximum(_layer_norm(unit.channel_norms["3"], y @ pointwise[0, 0]), 0)
    np.testing.assert_allclose(unit(x, level=3), y, atol=1e-5)


def _layer_norm(norm, x):
    gamma, beta = norm.get_weights()
    centered = x - x.mean(-1, keepdims=True)
    return centered / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * gamma + beta
