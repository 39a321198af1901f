import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.layers.recompute import recompute_in_backward


@pytest.fixture
def chain():
    """`chain(wrap)`: a traced function from x to the gradients of three wrapped tanh(x w)."""
    weights = [tf.Variable(tf.random.stateless_normal([4, 4], [1, i])) for i in range(3)]

    def make(wrap):
        def gradients(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x
                for w in weights:
                    y = wrap(lambda x, w=w: tf.tanh(x @ w))(y)
                loss = tf.reduce_sum(y**2)
            return tape.gradient(loss, [x, *weights])

        return gradients

    return make


X = tf.random.stateless_normal([2, 4], [3, 4])


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_the_same(chain, compiled):
    expected = tf.function(chain(lambda f: f))(X)
    found = tf.function(chain(recompute_in_backward), jit_compile=compiled)(X)
    for a, b in zip(found, expected, strict=True):
        assert np.abs(b).max() > 0
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_compiler_does_not_merge_the_two_passes(chain):
    """The forward pass has three tanh. The recomputed pass has two or three: it can reuse the last.

    If the compiler merged both passes, there would be three in all.
    """

    def count(wrap) -> int:
        function = tf.function(chain(wrap), jit_compile=True)
        return function.experimental_get_compiler_ir(X)(stage="optimized_hlo").count(" tanh(")

    assert count(lambda f: f) == 3
    assert count(recompute_in_backward) >= 5


def test_a_nan_in_the_gradient_stays_one(chain):
    spoiled = tf.tensor_scatter_nd_update(X, [[0, 0]], [float("nan")])
    assert np.isnan(tf.function(chain(recompute_in_backward))(spoiled)[1]).any()
