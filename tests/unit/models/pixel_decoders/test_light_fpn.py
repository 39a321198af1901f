import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN
from tests.unit.layers.check_layer import check_layer

SIZES = {3: (12, 20), 4: (6, 10), 5: (3, 5), 6: (2, 3), 7: (1, 2)}
FEATURES = {
    level: tf.random.stateless_normal([2, *SIZES[level], 2 + level], [1, level])
    for level in (3, 4, 5)
}


def test_is_a_layer_for_odd_sizes():
    check_layer(
        lambda: LightFPN(width=8, kernel_size=3, name="fpn"),
        FEATURES,
        {level: (2, *size, 8) for level, size in SIZES.items()},
    )


def test_concatenates_each_level_with_all_above_before_one_convolution():
    fpn = LightFPN(width=8, norm="layer")
    pyramid = fpn(FEATURES)
    merged = fpn.laterals["5"](FEATURES[5]).numpy()
    for level in (5, 4, 3):
        if level < 5:
            above = merged.repeat(2, axis=1).repeat(2, axis=2)[:, : SIZES[level][0]]
            merged = np.concatenate([fpn.laterals[str(level)](FEATURES[level]), above], axis=-1)
        assert merged.shape[-1] == 8 * (6 - level)
        mixed = fpn.mixers[str(level)](merged)
        np.testing.assert_allclose(pyramid[level], fpn.norms[str(level)](mixed), atol=1e-5)


def test_each_coarser_level_depends_on_the_level_before_it_only():
    fpn = LightFPN(width=8, kernel_size=3, norm="layer")
    before = fpn(FEATURES)
    for level, heard in ((6, {6, 7}), (7, {7})):
        bias = fpn.reducers[str(level)].bias
        bias.assign(tf.range(8.0))
        after = fpn(FEATURES)
        assert {k for k in after if np.abs(after[k] - before[k]).max() > 1e-3} == heard
        bias.assign(tf.zeros(8))


def test_context_flows_down_but_not_up():
    fpn = LightFPN(width=8, kernel_size=3, norm="layer")
    before = fpn(FEATURES)
    for level, heard in ((5, {3, 4, 5, 6, 7}), (4, {3, 4}), (3, {3})):
        after = fpn(FEATURES | {level: -FEATURES[level]})
        assert {k for k in after if np.abs(after[k] - before[k]).max() > 1e-3} == heard


def test_an_activation_stands_between_added_levels_alone():
    plain = LightFPN(width=8, max_level=7, kernel_size=3)
    plain(FEATURES)
    for activation in ("relu", "gelu"):
        fpn = LightFPN(width=8, max_level=7, kernel_size=3, activation=activation)
        fpn(FEATURES)
        fpn.set_weights(plain.get_weights())
        found, expected = fpn(FEATURES), plain(FEATURES)
        for level in (3, 4, 5, 6):
            np.testing.assert_array_equal(found[level], expected[level])
        assert np.abs(found[7] - expected[7]).max() > 0.01
    with pytest.raises(
        UserError, match=r"LightFPN.activation = 'GELU' \(text\): .*'relu' or 'gelu'"
    ):
        LightFPN(activation="GELU")


def test_every_level_reaches_its_norm_with_a_variance_far_above_its_epsilon():
    """At 256 channels Keras' own first weights leave level 7 with 5 % of the others' amplitude."""
    sizes = {3: (16, 24), 4: (8, 12), 5: (4, 6)}
    features = {k: tf.random.stateless_normal([2, *size, 384], [2, k]) for k, size in sizes.items()}
    for norm in ("layer", "batch"):
        fpn = LightFPN(width=256, norm=norm)
        for level, x in fpn(features, training=True).items():
            assert 0.9 < float(tf.math.reduce_std(x)) < 1.1, (norm, level)


def test_stops_at_the_level_asked_for():
    assert sorted(LightFPN(width=8, max_level=6)(FEATURES)) == [3, 4, 5, 6]
    assert sorted(LightFPN(width=8, max_level=5)(FEATURES)) == [3, 4, 5]
