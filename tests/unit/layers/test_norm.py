import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.layers.norm import make_norm

CELLS = np.array([[[[1.0, 3.0]]], [[[10.0, -10.0]]]], np.float32)


def test_a_layer_norm_sees_one_cell_alone_in_training_too():
    norm = make_norm("layer", "n")
    expected = [[[[-1, 1]]], [[[1, -1]]]]
    np.testing.assert_allclose(norm(CELLS, training=True), expected, atol=1e-4)
    np.testing.assert_allclose(norm(CELLS, training=False), expected, atol=1e-4)
    assert norm.name == "n"
    assert not norm.non_trainable_weights


def test_a_batch_norm_takes_statistics_over_the_batch_and_remembers_a_hundredth():
    norm = make_norm("batch", "n")
    expected = [[[[-1, 1]]], [[[1, -1]]]]  # Means 5.5 and -3.5; deviations 4.5 and 6.5.
    np.testing.assert_allclose(norm(CELLS, training=True), expected, atol=1e-4)
    np.testing.assert_allclose(norm.moving_mean, [0.055, -0.035], atol=1e-6)
    # Fused batch norm remembers the unbiased variance, n / (n - 1) of what it divides by.
    np.testing.assert_allclose(norm.moving_variance, [0.99 + 0.405, 0.99 + 0.845], atol=1e-5)
    at_rest = (1 - 0.055) / np.sqrt(1.395 + 1e-3)
    assert float(norm(CELLS, training=False)[0, 0, 0, 0]) == pytest.approx(at_rest, abs=1e-5)


def test_one_replica_takes_the_fast_batch_norm():
    assert not make_norm("batch", "n").synchronized


def test_another_kind_is_refused_by_name():
    with pytest.raises(UserError, match=r"norm = 'group' \(text\): expected 'layer' or 'batch'"):
        make_norm("group", "n")
