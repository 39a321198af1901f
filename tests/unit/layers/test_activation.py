import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.layers.activation import make_activation, make_optional_activation

X = [-3.0, -0.5, 0.0, 0.5, 3.0]


def test_relu_and_exact_gelu():
    np.testing.assert_array_equal(make_activation("relu", "a")(tf.constant(X)), [0, 0, 0, 0.5, 3])
    expected = [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in X]
    np.testing.assert_allclose(make_activation("gelu", "a")(tf.constant(X)), expected, atol=1e-6)


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
