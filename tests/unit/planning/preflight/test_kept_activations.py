import tensorflow as tf

from maskconver_tf.layers.recompute import recompute_in_backward
from maskconver_tf.planning.preflight.kept_activations import kept_activations

BATCH, WIDTH = 4, 8


def graph_of(function, x=None, batch=BATCH):
    """The graph of a step that takes the gradient of `function` with respect to its weight."""
    weight = tf.Variable(tf.ones([WIDTH, WIDTH]))

    @tf.function(autograph=False)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(function(x, weight))
        return tape.gradient(loss, weight)

    return step.get_concrete_function(tf.TensorSpec([batch, WIDTH])).graph


def test_what_the_backward_pass_reads_is_counted_once():
    """The gradients of tanh and of the next product both read the output of tanh.

    One of them reads it through a view. The first product's input and the weights exist in any
    case. Nothing reads `x w` and 2 y.
    """

    def function(x, w):
        y = tf.tanh(tf.matmul(x, w))
        return 2.0 * tf.matmul(tf.reshape(y, [BATCH, WIDTH]), w)

    assert kept_activations(graph_of(function), BATCH) == 4 * BATCH * WIDTH


def test_half_precision_takes_half_the_bytes():
    def function(x, w):
        y = tf.tanh(tf.matmul(tf.cast(x, tf.bfloat16), tf.cast(w, tf.bfloat16)))
        return tf.cast(y, tf.float32)

    assert kept_activations(graph_of(function), BATCH) == 2 * BATCH * WIDTH


def test_a_dimension_that_is_not_static_has_the_batch_size():
    graph = graph_of(lambda x, w: tf.tanh(tf.matmul(x, w)), batch=None)
    assert kept_activations(graph, 3) == 4 * 3 * WIDTH


def test_recomputing_keeps_only_the_input():
    def block(x, w):
        for _ in range(3):
            x = tf.tanh(tf.matmul(x, w))
        return x

    def twice(wrap):
        return lambda x, w: wrap(lambda x: block(x, w))(wrap(lambda x: block(x, w))(x))

    plain = kept_activations(graph_of(twice(lambda f: f)), BATCH)
    assert plain == 6 * 4 * BATCH * WIDTH
    # What lies between the two blocks is the second one's input.
    assert kept_activations(graph_of(twice(recompute_in_backward)), BATCH) == 4 * BATCH * WIDTH
