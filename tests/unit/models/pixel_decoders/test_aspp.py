import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.models.pixel_decoders.aspp import ASPP
from tests.unit.layers.check_layer import assert_close, check_layer, shake

FEATURES = {
    3: tf.random.stateless_normal([2, 10, 14, 4], [1, 3]),
    4: tf.random.stateless_normal([2, 5, 7, 6], [1, 4]),
}


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_is_a_layer_for_an_odd_size(norm):
    # Level 3 is not its business.
    check_layer(
        lambda: ASPP(4, 8, (1, 2), norm, name="aspp"),
        {4: FEATURES[4]},
        {4: (2, 5, 7, 8)},
        bfloat16_error=0.06,
    )


def test_uses_only_its_level():
    aspp = ASPP(3, 8, (1,))
    pyramid = aspp(FEATURES)
    assert {level: x.shape for level, x in pyramid.items()} == {3: (2, 10, 14, 8)}
    np.testing.assert_array_equal(aspp(FEATURES | {4: -FEATURES[4]})[3], pyramid[3])


@pytest.mark.parametrize("rate", [1, 3])
def test_a_branch_reaches_as_far_as_its_rate(rate):
    branch = ASPP(rates=(rate,), width=8).atrous[0]
    x = tf.random.stateless_normal([1, 9, 9, 4], [2, 4])
    branch(x)
    shake(branch)
    changed = branch(x).numpy() != branch(x + _impulse(9, 4)).numpy()
    reach = {int(row) - 4 for row in np.nonzero(changed.any(-1))[1]}
    assert reach <= {-rate, 0, rate}
    assert {-rate, rate} & reach


def test_the_mean_of_the_picture_reaches_everywhere():
    aspp = ASPP(4, 8, (1,), norm="layer")
    x = tf.random.stateless_normal([1, 9, 9, 4], [2, 4])
    aspp({4: x})
    shake(aspp)
    difference = np.abs(aspp({4: x + 81 * _impulse(9, 4)})[4] - aspp({4: x})[4]).max(-1)
    assert (difference > 1e-4).mean() > 0.9


def test_a_dilated_pointwise_convolution_computes_the_same():
    plain, dilated = (ASPP(4, 8, (2, 3), dilated_pointwise=d) for d in (False, True))
    for aspp in (plain, dilated):
        aspp(FEATURES)
    shake(plain)
    dilated.set_weights(plain.get_weights())
    assert_close(dilated(FEATURES), plain(FEATURES))


def _impulse(size, width):
    """1 in the middle of `[1, size, size, width]`."""
    impulse = np.zeros([1, size, size, width], np.float32)
    impulse[0, size // 2, size // 2] = 1
    return impulse
