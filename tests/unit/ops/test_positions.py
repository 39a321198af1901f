"""The window around a center: worked answers, and the dot product that is the same."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.ops.centers import cell_middles
from maskconver_tf.ops.positions import (
    NUM_POSITION_CHANNELS,
    add_windows,
    append_windows,
    falloff_in_pixels,
    high_part,
)

STRIDE = 4


def _windows(cells, level, falloff, size):
    """Windows `[h, w]` of one slot, from training and from the dot product."""
    centers, s = _slots([[level]], [[cells]], [[falloff]])
    grid = (size[0] // STRIDE, size[1] // STRIDE)
    added = add_windows(tf.zeros([1, *grid, 1]), centers, s, STRIDE)
    appended = append_windows(tf.zeros([1, *grid, 0]), tf.zeros([1, 1, 0]), centers, s, STRIDE)
    return added[0, ..., 0].numpy(), tf.einsum("bhwd,bkd->bhwk", *appended)[0, ..., 0].numpy()


def _slots(levels, cells, falloff):
    levels = tf.constant(levels)
    middles = cell_middles(levels, tf.constant(cells))
    return middles, falloff_in_pixels(tf.constant(falloff, tf.float32), levels, levels >= 0)


def test_a_window_in_cells_of_the_center_s_level():
    # Cell (0, 0) of level 3 has its middle at pixel (4, 4). The middles of the mask cells are at
    # y = 2, 6 and x = 2, 6, 10: a quarter, a quarter and three quarters of a cell away.
    expected = [
        [-(1 * 0.0625 + 0.5 * 0.0625), -(1 * 0.0625 + 0.5 * 0.0625), -(1 * 0.0625 + 0.5 * 0.5625)]
    ] * 2
    for window in _windows([0, 0], 3, [1.0, 0.5], (8, 12)):
        np.testing.assert_allclose(window, expected, atol=1e-7)


@pytest.mark.parametrize("level", [2, 3, 5])
def test_a_falloff_means_the_same_on_every_level(level):
    size = (2**level * 5, 2**level * 5)
    for window in _windows([2, 2], level, [0.25, 0.25], size):
        # The middle of the cell above: 1 cell away from the center in y.
        cells = window.reshape(5, 2 ** (level - 2), 5, 2 ** (level - 2)).mean((1, 3))
        within = window[: 2 ** (level - 2), : 2 ** (level - 2)]
        spread = 0.25 * 2 * np.var((np.arange(within.shape[0]) + 0.5) / within.shape[0])
        np.testing.assert_allclose(cells[1, 2], -0.25 - spread, atol=1e-5)
        np.testing.assert_allclose(cells[4, 0], -0.25 * 8 - spread, atol=1e-5)


def test_moving_the_center_by_a_cell_moves_the_window_by_a_cell():
    before = _windows([3, 4], 3, [0.3, 0.1], (64, 96))
    after = _windows([4, 6], 3, [0.3, 0.1], (64, 96))
    for one, other in zip(before, after):
        np.testing.assert_allclose(other[2:, 4:], one[:-2, :-4], atol=1e-5)


@pytest.mark.parametrize("size", [(1280, 1280), (800, 1216), (32, 32)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_dot_product_is_the_window_in_float32_and_float16(size, jit_compile):
    rng = np.random.default_rng(0)
    levels = np.repeat([3, 4, 5, 6, 7], 6)
    ends = np.array([[-(-n // 2**k) for n in size] for k in levels])
    cells = (rng.uniform(size=ends.shape) * ends).astype(np.int32)
    cells[::6], cells[1::6] = 0, ends[1::6] - 1  # Corners, where the terms are largest.
    falloff = rng.uniform(0, 0.5, [1, 30, 2])
    grid = (size[0] // STRIDE, size[1] // STRIDE)

    @tf.function(jit_compile=jit_compile)
    def compute():
        centers, s = _slots(levels[np.newaxis], cells[np.newaxis], falloff)
        added = add_windows(tf.zeros([1, *grid, 30]), centers, s, STRIDE)
        return added, append_windows(
            tf.zeros([1, *grid, 0]), tf.zeros([1, 30, 0]), centers, s, STRIDE
        )

    window, (features, embeddings) = compute()
    assert features.shape[-1] == embeddings.shape[-1] == NUM_POSITION_CHANNELS
    strides = 2.0**levels
    y, x = np.meshgrid(*(np.arange(n) * STRIDE + STRIDE / 2 for n in grid), indexing="ij")
    exact = 0.0
    for axis, where in enumerate((y, x)):
        distances = where[..., np.newaxis] / strides - (cells[:, axis] + 0.5)
        exact -= falloff[0, :, axis] * distances**2
    near = exact > -15  # Beyond, a score is 0 anyway.
    # 11 bits of a falloff are exact to 1 in 2048, which is 0.007 of a logit of -15.
    np.testing.assert_allclose(window[0].numpy()[near], exact[near], rtol=5e-4, atol=1e-5)
    for dtype in (np.float32, np.float16):
        pair = [part.numpy().astype(dtype).astype(np.float64) for part in (features, embeddings)]
        assert all(np.isfinite(part).all() for part in pair)
        product = np.einsum("bhwd,bkd->bhwk", *pair)
        np.testing.assert_allclose(product[0][near], window[0].numpy()[near], atol=1e-3)


def test_an_empty_slot_has_no_window():
    centers, s = _slots([[-1, 3]], [[[0, 0], [1, 1]]], [[[2.0, 2.0], [2.0, 2.0]]])
    assert s.numpy().tolist() == [[[0, 0], [2 / 64, 2 / 64]]]
    logits = tf.random.stateless_normal([1, 8, 8, 2], [1, 2])
    found = add_windows(logits, centers, s, STRIDE)
    np.testing.assert_array_equal(found[..., 0], logits[..., 0])
    assert np.all(found[..., 1] < logits[..., 1])


def test_features_and_embeddings_stay_and_come_first():
    features = tf.random.stateless_normal([2, 8, 16, 3], [1, 2])
    embeddings = tf.random.stateless_normal([2, 1, 3], [3, 4])
    centers, s = _slots([[3], [4]], [[[0, 1]], [[1, 0]]], [[[0.1, 0.2]], [[0.3, 0.0]]])
    appended = append_windows(
        tf.cast(features, tf.bfloat16), tf.cast(embeddings, tf.bfloat16), centers, s, STRIDE
    )
    assert {x.dtype for x in appended} == {tf.float32}
    np.testing.assert_allclose(appended[0][..., :3], features, rtol=0.01)
    np.testing.assert_allclose(appended[1][..., :3], embeddings, rtol=0.01)
    logits = tf.einsum("bhwd,bkd->bhwk", appended[0][..., :3], appended[1][..., :3])
    np.testing.assert_allclose(
        tf.einsum("bhwd,bkd->bhwk", *appended), add_windows(logits, centers, s, STRIDE), atol=1e-5
    )


@pytest.mark.parametrize("jit_compile", [False, True])
def test_high_part_has_the_bits_of_float16_and_passes_the_gradient(jit_compile):
    values = tf.constant([0.0, 1.0, -0.7654321, 3.1415927, 1234.5678, 1e-3])

    @tf.function(jit_compile=jit_compile)
    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            high = high_part(x)
        return high, tape.gradient(high, x)

    high, gradient = compute(values)
    np.testing.assert_array_equal(high.numpy().astype(np.float16), high)
    np.testing.assert_allclose(high, values, rtol=2**-11)
    np.testing.assert_array_equal(gradient, np.ones(6))
