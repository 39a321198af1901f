import math

import numpy as np
import tensorflow as tf

from maskconver_tf.layers.convnext_block import ConvNeXtSEBlock
from tests.unit.layers.check_layer import check_layer, shake


def features(batch=2, height=4, width=5, depth=6, seed=1):
    return tf.random.stateless_normal([batch, height, width, depth], [seed, 2])


def test_is_a_layer():
    check_layer(
        lambda: ConvNeXtSEBlock(6, kernel_size=3, se_ratio=1 / 4, drop_path=0.2, name="block"),
        features(),
        (2, 4, 5, 6),
    )


def test_starts_near_the_identity_but_not_at_it():
    x = features()
    change = np.abs(ConvNeXtSEBlock(6, 3)(x) - x).max()
    assert 0 < change < 1e-5


def test_equals_its_formula_written_out():
    block = ConvNeXtSEBlock(6, kernel_size=3, expansion=2, se_ratio=1 / 4, layer_scale=1.0)
    x = features()
    block(x)
    shake(block)
    np.testing.assert_allclose(block(x), _by_hand(block, x.numpy()), atol=1e-5)


def test_without_squeeze_and_excite_only_the_gate_is_missing():
    block = ConvNeXtSEBlock(6, kernel_size=3, se_ratio=0, layer_scale=1.0)
    x = features()
    block(x)
    shake(block)
    np.testing.assert_allclose(block(x), _by_hand(block, x.numpy()), atol=1e-5)


def test_a_kernel_may_be_larger_than_the_map():
    x = features(height=1, width=2)
    assert ConvNeXtSEBlock(6, kernel_size=7)(x).shape == (2, 1, 2, 6)


def test_has_the_size_of_the_large_model_s():
    block = ConvNeXtSEBlock(384)
    block(tf.zeros([1, 1, 1, 384]))
    depthwise, norm, gamma = 49 * 384 + 384, 2 * 384, 384
    bottleneck = 2 * 384 * 1536 + 1536 + 384
    squeeze = 2 * 1536 * 96 + 96 + 1536
    assert block.count_params() == depthwise + norm + bottleneck + squeeze + gamma


def test_drop_path_skips_whole_examples_and_scales_the_others():
    block = ConvNeXtSEBlock(6, kernel_size=3, drop_path=0.5, layer_scale=1.0)
    x = features(batch=64)
    full = (block(x, training=False) - x).numpy()
    dropped = (block(x, training=True) - x).numpy()
    skipped = np.array([not change.any() for change in dropped])
    assert 16 < skipped.sum() < 48
    np.testing.assert_allclose(dropped[~skipped], 2 * full[~skipped], atol=1e-5)


def _by_hand(block, x):
    """The block's docstring in NumPy."""
    weights = {w.name.split(":")[0].split("/", 1)[-1]: w.numpy() for w in block.weights}
    branch = _depthwise(x, weights["depthwise/depthwise_kernel"]) + weights["depthwise/bias"]
    mean = branch.mean(-1, keepdims=True)
    branch = (branch - mean) / np.sqrt(branch.var(-1, keepdims=True) + 1e-6)
    branch = branch * weights["norm/gamma"] + weights["norm/beta"]
    branch = branch @ weights["expand/kernel"] + weights["expand/bias"]
    branch = branch * (1 + np.vectorize(math.erf)(branch / math.sqrt(2))) / 2
    if block.squeeze_excite is not None:
        squeeze, squeeze_bias, excite, excite_bias = block.squeeze_excite.get_weights()
        squeezed = branch.mean((1, 2)) @ squeeze[0, 0] + squeeze_bias
        gate = np.maximum(squeezed, 0) @ excite[0, 0] + excite_bias
        branch = branch / (1 + np.exp(-gate))[:, None, None]
    branch = branch @ weights["contract/kernel"] + weights["contract/bias"]
    return x + branch * weights["gamma"]


def _depthwise(x, kernel):
    """A depthwise convolution with zeros round the map; kernel `[k, k, D, 1]`."""
    size = kernel.shape[0]
    pad = size // 2
    padded = np.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    height, width = x.shape[1:3]
    return sum(
        padded[:, i : i + height, j : j + width] * kernel[i, j, :, 0]
        for i in range(size)
        for j in range(size)
    )
