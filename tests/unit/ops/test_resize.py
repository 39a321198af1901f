"""Doubling to a neighbor's size, and sizes of pyramid levels."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.ops.resize import level_size, repeat_to_size


def _features(rows):
    return tf.constant(rows, tf.float32)[tf.newaxis, :, :, tf.newaxis]


def test_each_cell_becomes_four():
    doubled = repeat_to_size(_features([[1, 2], [3, 4]]), 4, 4)[0, :, :, 0]
    assert doubled.numpy().tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def test_the_surplus_of_an_odd_neighbor_is_cut_at_the_bottom_and_right():
    doubled = repeat_to_size(_features([[1, 2], [3, 4]]), 3, 4)[0, :, :, 0]
    assert doubled.numpy().tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4]]
    doubled = repeat_to_size(_features([[1, 2]]), 1, 3)[0, :, :, 0]
    assert doubled.numpy().tolist() == [[1, 1, 2]]


def test_channels_and_pictures_keep_their_order():
    features = tf.reshape(tf.range(12.0), [2, 1, 2, 3])
    doubled = repeat_to_size(features, 2, 4)
    np.testing.assert_array_equal(doubled, np.repeat(np.repeat(features, 2, 1), 2, 2))


@pytest.mark.parametrize(("height", "width"), [(4, 6), (3, 5)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_cell_gets_the_gradients_of_all_its_copies(height, width, jit_compile):
    features = tf.random.stateless_normal([2, 2, 3, 5], [1, 2])
    weights = np.random.default_rng(0).normal(size=[2, height, width, 5]).astype(np.float32)

    @tf.function(jit_compile=jit_compile)
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(features)
            total = tf.reduce_sum(repeat_to_size(features, height, width) * weights)
        return tape.gradient(total, features)

    whole = np.zeros([2, 4, 6, 5], np.float32)
    whole[:, :height, :width] = weights
    expected = whole.reshape(2, 2, 2, 3, 2, 5).sum((2, 4))
    np.testing.assert_allclose(gradient(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16, tf.float16])
def test_values_are_copied_bit_by_bit_for_any_number_of_pictures(dtype):
    double = tf.function(lambda x: repeat_to_size(x, 3, 6))
    graph = double.get_concrete_function(tf.TensorSpec([None, 2, 3, 4], dtype))
    for pictures in (1, 3):
        features = tf.cast(tf.random.stateless_normal([pictures, 2, 3, 4], [3, 4]), dtype)
        expected = np.repeat(np.repeat(features.numpy(), 2, 1), 2, 2)[:, :3]
        assert graph(features).numpy().tobytes() == expected.tobytes()


def test_no_tensor_has_more_than_four_dimensions():
    """LiteRT broadcasts at most five, and its GPU delegate takes at most four."""
    double = tf.function(lambda x: repeat_to_size(x, 3, 6))
    graph = double.get_concrete_function(tf.TensorSpec([None, 2, 3, 4], tf.float32)).graph
    ranks = [output.shape.rank for op in graph.get_operations() for output in op.outputs]
    assert max(ranks) == 4


@pytest.mark.parametrize(("height", "width"), [(5, 4), (4, 2), (2, 4)])
def test_sizes_of_no_neighbor_are_refused(height, width):
    with pytest.raises(ValueError, match="2x2 to"):
        repeat_to_size(_features([[1, 2], [3, 4]]), height, width)


@pytest.mark.parametrize(
    ("input_size", "sizes"),
    [
        ((640, 640), {2: (160, 160), 3: (80, 80), 5: (20, 20), 6: (10, 10), 7: (5, 5)}),
        ((800, 1216), {2: (200, 304), 5: (25, 38), 6: (13, 19), 7: (7, 10)}),
        ((96, 160), {2: (24, 40), 5: (3, 5), 6: (2, 3), 7: (1, 2)}),
        ((32, 32), {5: (1, 1), 6: (1, 1), 7: (1, 1)}),
    ],
)
def test_level_sizes_of_inputs_that_are_no_multiple_of_128(input_size, sizes):
    assert {level: level_size(input_size, level) for level in sizes} == sizes


@pytest.mark.parametrize("input_size", [(800, 1216), (96, 160), (32, 96)])
def test_every_level_doubles_to_the_one_below(input_size):
    for level in range(7, 2, -1):
        features = tf.zeros([1, *level_size(input_size, level), 1])
        below = level_size(input_size, level - 1)
        assert repeat_to_size(features, *below).shape[1:3] == below
