import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.layers.activation import gelu, make_activation, make_optional_activation

X = [-3.0, -0.5, 0.0, 0.5, 3.0]


def test_relu_and_exact_gelu():
    np.testing.assert_array_equal(make_activation("relu", "a")(tf.constant(X)), [0, 0, 0, 0.5, 3])
    expected = [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in X]
    np.testing.assert_allclose(make_activation("gelu", "a")(tf.constant(X)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "value", "slope"), [("float32", 1e-6, 1e-6), ("bfloat16", 2e-2, 1e-2)]
)
def test_gelu_and_its_gradient_are_those_of_tensorflow_in_both_precisions(dtype, value, slope):
    x = tf.cast(tf.linspace(-6.0, 6.0, 481), dtype)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        ours, exact = 3.0 * gelu(x), 3.0 * tf.nn.gelu(tf.cast(x, tf.float32))
    assert ours.dtype == x.dtype == tape.gradient(ours, x).dtype
    np.testing.assert_allclose(tf.cast(ours, tf.float32), exact, atol=3 * value, rtol=value)
    found, wanted = (tf.cast(tape.gradient(y, x), tf.float32) for y in (ours, exact))
    np.testing.assert_allclose(found, wanted, atol=3 * slope)


def test_gelu_is_one_operation_of_litert():
    """A file of LiteRT may hold no `Erf`, which is not built in."""
    from ai_edge_litert.interpreter import Interpreter

    function = tf.function(
        gelu, input_signature=[tf.TensorSpec([1, 8, 8, 4])], autograph=False
    ).get_concrete_function()
    model = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
    operations = Interpreter(model_content=model)._get_ops_details()
    assert [each["op_name"] for each in operations] == ["GELU"]


def test_none_is_the_identity_where_an_activation_may_be_left_out():
    np.testing.assert_array_equal(make_optional_activation(None, "a")(tf.constant(X)), X)
    relu = make_optional_activation("relu", "a")
    np.testing.assert_array_equal(relu(tf.constant(X)), [0, 0, 0, 0.5, 3])


@pytest.mark.parametrize("kind", ["GELU", None, 1, ["relu"]])
def test_another_one_is_refused_by_the_name_of_the_setting(kind):
    with pytest.raises(
        UserError, match=r"LightFPN.activation = (None|.* \(.*\)): expected 'relu' or 'gelu'"
    ):
        make_activation(kind, "LightFPN.activation")
