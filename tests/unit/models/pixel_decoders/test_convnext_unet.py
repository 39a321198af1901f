import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from tests.unit.layers.check_layer import check_layer, shake

SIZES = {2: (11, 20), 3: (6, 10), 4: (3, 5), 5: (2, 3)}
FEATURES = {
    level: tf.random.stateless_normal([2, *size, 2 + level], [1, level])
    for level, size in SIZES.items()
}


def test_is_a_layer_for_odd_sizes_and_different_widths():
    check_layer(
        lambda: ConvNeXtUNet([1, 1, 1], [8, 6, 4], 3, 1 / 2, recompute=True, name="unet"),
        {level: FEATURES[level] for level in (3, 4, 5)},
        {5: (2, 2, 3, 8), 4: (2, 3, 5, 6), 3: (2, 6, 10, 4)},
    )


def test_finer_levels_double_the_level_above_and_add_the_backbone_feature():
    unet = ConvNeXtUNet([0, 0, 0, 0], [8, 8, 8, 8])
    pyramid = unet(FEATURES)
    assert sorted(pyramid) == [2, 3, 4, 5]
    expected = unet.laterals["5"](FEATURES[5]).numpy()
    np.testing.assert_allclose(pyramid[5], expected, atol=1e-5)
    for level in (4, 3, 2):
        height, width = SIZES[level]
        above = unet.climbs[str(level)](expected).numpy()
        above = above.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
        expected = unet.laterals[str(level)](FEATURES[level]).numpy() + above
        np.testing.assert_allclose(pyramid[level], expected, atol=1e-5)


def test_both_terms_of_the_sum_are_normed_first():
    unet = ConvNeXtUNet([0, 0], [8, 8])
    far_off = {level: 100 * x + 1000 for level, x in FEATURES.items()}
    deep = unet(far_off)[5]
    # Large inputs, since the epsilon of a norm lowers a small variance.
    for x in (deep, unet.laterals["4"](far_off[4]), unet.climbs["4"](100 * deep)):
        np.testing.assert_allclose(np.mean(x, axis=-1), 0, atol=1e-4)
        np.testing.assert_allclose(np.var(x, axis=-1), 1, atol=1e-3)


def blocks_of(unet):
    return [block.get_config() for level in unet.levels for block in unet.stacks[str(level)]]


def test_each_level_has_its_own_number_of_blocks():
    unet = ConvNeXtUNet([3, 2, 1], [8, 6, 4], kernel_size=5, se_ratio=0)
    assert {level: len(stack) for level, stack in unet.stacks.items()} == {"5": 3, "4": 2, "3": 1}
    blocks = blocks_of(unet)
    assert {(b["kernel_size"], b["se_ratio"]) for b in blocks} == {(5, 0)}
    assert [b["width"] for b in blocks] == [8, 8, 8, 6, 6, 4]


@pytest.mark.parametrize(
    ("repeats", "rises", "expected"),
    [
        ((3, 2, 1), "level", [0.3, 0.3, 0.3, 0.35, 0.35, 0.4]),  # 6/8, 7/8 and 8/8 of 0.4.
        ((1, 0, 2), "level", [0.3, 0.4, 0.4]),
        ((2, 1), "level", [0.4 * 6 / 7, 0.4 * 6 / 7, 0.4]),
        ((3, 2, 1), "block", [0, 0.08, 0.16, 0.24, 0.32, 0.4]),
        ((1,), "block", [0]),
    ],
)
def test_drop_path_rises_from_level_to_level_or_from_block_to_block(repeats, rises, expected):
    widths = [4] * len(repeats)
    unet = ConvNeXtUNet(repeats, widths, drop_path=0.4, drop_path_rises=rises)
    assert [b["drop_path"] for b in blocks_of(unet)] == pytest.approx(expected)
    restored = ConvNeXtUNet.from_config(unet.get_config())
    assert [b["drop_path"] for b in blocks_of(restored)] == pytest.approx(expected)


@pytest.mark.parametrize("setting", ["se_activation", "level_activation"])
def test_an_activation_reaches_every_level_and_is_checked(setting):
    settings = {"repeats": [1, 1], "widths": [8, 8], "kernel_size": 3, "se_ratio": 1 / 2}
    plain = ConvNeXtUNet(**settings)
    plain(FEATURES)
    shake(plain)
    other = ConvNeXtUNet(**settings, **{setting: "gelu"})
    other(FEATURES)
    other.set_weights(plain.get_weights())
    restored = ConvNeXtUNet.from_config(other.get_config())
    restored(FEATURES)
    restored.set_weights(plain.get_weights())
    for level in (5, 4):
        found = other(FEATURES)[level]
        assert np.abs(found - plain(FEATURES)[level]).max() > 1e-4
        np.testing.assert_array_equal(restored(FEATURES)[level], found)
    with pytest.raises(UserError, match=rf"ConvNeXtUNet.{setting} = 'swish' \(text\): .*'gelu'"):
        ConvNeXtUNet(**settings, **{setting: "swish"})


def test_another_rise_of_drop_path_is_refused():
    with pytest.raises(UserError, match=r"rises = 'stage' \(text\): expected 'level' or 'block'"):
        ConvNeXtUNet(drop_path_rises="stage")


def test_blocks_run_on_every_level():
    unet = ConvNeXtUNet([1, 1, 1], [8, 8, 8], kernel_size=3)
    before = unet(FEATURES)
    for level in (3, 4, 5):
        unet.stacks[str(level)][0].gamma.assign_add(tf.ones([8]))
        after = unet(FEATURES)
        changed = {k for k in after if np.abs(after[k] - before[k]).max() > 1e-3}
        assert changed == {k for k in (3, 4, 5) if k <= level}
        before = after


@pytest.mark.parametrize(("repeats", "widths"), [((1, 1), (8,)), ((), ()), ((1,) * 5, (8,) * 5)])
def test_repeats_and_widths_must_match_the_levels(repeats, widths):
    with pytest.raises(UserError, match="repeats = .* and widths = .*per level from 5 downward"):
        ConvNeXtUNet(repeats, widths)


class CountedDropPath(tf_keras.layers.Layer):
    """Skips every other example, by turns. Under XLA the draws of Keras' drop path follow no seed.

    A second call in the same step skips the others, as a second draw would.
    """

    def __init__(self):
        super().__init__()
        self.count = self.add_weight("count", dtype=tf.int32, trainable=False, initializer="zeros")

    def call(self, x, training=None):
        if not training:
            return x
        count = self.count.assign_add(1)
        is_kept = (tf.range(x.shape[0]) + count) % 2 == 0
        return x * tf.cast(tf.reshape(is_kept, [-1, 1, 1, 1]), x.dtype) * 2


@pytest.mark.parametrize("compiled", [False, True])
def test_recomputing_changes_neither_output_nor_gradient(compiled):
    """With a drop path: both passes must use the same draw."""
    (loss, gradients), (expected_loss, expected) = _step(True, compiled), _step(False, compiled)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    assert abs(float(_step(False, compiled, drop_path=0.0)[0] / loss) - 1) > 1e-3
    for found, gradient in zip(gradients, expected, strict=True):
        scale = np.abs(gradient).max()
        assert scale > 0
        np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-4 * scale)


def _step(recompute: bool, compiled: bool, drop_path: float = 0.6):
    """Loss and gradients of one traced training step, the same weights and draws each time."""
    tf_keras.utils.set_random_seed(4)
    unet = ConvNeXtUNet([2, 1], [8, 8], 3, 1 / 2, drop_path, recompute=recompute)
    unet(FEATURES)
    shake(unet)
    for block in (block for stack in unet.stacks.values() for block in stack if drop_path):
        block.drop_path = CountedDropPath()

    @tf.function(jit_compile=compiled)
    def step():
        with tf.GradientTape() as tape:
            pyramid = unet(FEATURES, training=True)
            loss = tf.add_n([tf.reduce_mean(x**2) for x in pyramid.values()])
        return loss, tape.gradient(loss, unet.trainable_weights)

    return step()
