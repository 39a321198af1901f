import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.losses.mask_losses import mask_losses

LN2 = math.log(2)


def losses_and_gradient(logits, slot_map):
    """BCE and Dice `[B, K]`, and the gradient of the sum of both."""
    logits = tf.constant(logits, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        bce, dice = mask_losses(logits, tf.constant(slot_map, tf.uint16))
    return bce.numpy(), dice.numpy(), tape.gradient([bce, dice], logits).numpy()


def test_undecided_masks_on_a_literal_map():
    slot_map = [[[1, 1], [1, 2]]]
    bce, dice, _ = losses_and_gradient(np.zeros([1, 2, 2, 2]), slot_map)
    assert bce == pytest.approx(np.array([[LN2, LN2]]))
    # 1 - (2 sum t p + 1) / (sum p + area + 1), with sum p = 2.
    assert dice == pytest.approx(np.array([[1 - 4 / 6, 1 - 2 / 4]]))


def test_right_masks_cost_nothing_and_wrong_ones_their_logits():
    slot_map = [[[1, 1], [1, 2]]]
    right = np.where(np.reshape(slot_map, [1, 2, 2, 1]) == [1, 2], 20.0, -20.0)
    bce, dice, _ = losses_and_gradient(right, slot_map)
    assert bce == pytest.approx(0, abs=1e-5)
    assert dice == pytest.approx(0, abs=1e-5)
    bce, dice, _ = losses_and_gradient(-right, slot_map)
    assert bce == pytest.approx(20, rel=1e-5)
    assert dice == pytest.approx(np.array([[1 - 1 / 5, 1 - 1 / 5]]), rel=1e-5)


def test_void_counts_in_no_sum():
    slot_map = [[[1, 0], [2, 0]]]
    logits = np.array([1.0, -2.0]) * np.ones([1, 2, 2, 2])
    bce, dice, gradient = losses_and_gradient(logits, slot_map)
    p, q = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(2))
    expected_bce = [-(math.log(p) + math.log(1 - p)) / 2, -(math.log(q) + math.log(1 - q)) / 2]
    assert bce[0] == pytest.approx(expected_bce, rel=1e-5)
    expected_dice = [1 - (2 * x + 1) / (2 * x + 1 + 1) for x in (p, q)]
    assert dice[0] == pytest.approx(expected_dice, rel=1e-5)
    assert (gradient[:, :, 1] == 0).all()

    logits[:, :, 1] = 77
    changed = losses_and_gradient(logits, slot_map)
    np.testing.assert_array_equal(changed[0], bce)
    np.testing.assert_array_equal(changed[1], dice)
    np.testing.assert_array_equal(changed[2], gradient)


def test_a_finer_map_gives_each_cell_its_shares():
    # One mask cell under four labelled pixels: half slot 0, a quarter slot 1, a quarter void.
    bce, dice, _ = losses_and_gradient(np.full([1, 1, 1, 2], 1.0), [[[1, 2], [1, 0]]])
    p, cost_in, cost_out = 1 / (1 + math.exp(-1)), math.log1p(math.exp(-1)), math.log1p(math.e)
    assert bce[0] == pytest.approx(
        [(2 * cost_in + cost_out) / 3, (cost_in + 2 * cost_out) / 3], rel=1e-5
    )
    assert dice[0] == pytest.approx(
        [1 - (p + 1) / (0.75 * p + 1.5), 1 - (0.5 * p + 1) / (0.75 * p + 1.25)], rel=1e-5
    )


def test_a_finer_map_is_laid_on_the_grid_row_by_row():
    """Rows and columns of cells differ, so that a transposed or interleaved grid fails."""
    slot_map = np.repeat(np.repeat([[[1, 2, 3], [3, 0, 1]]], 4, axis=1), 4, axis=2)
    logits = np.random.default_rng(1).normal(0, 2, [1, 2, 3, 3])
    coarse = losses_and_gradient(logits, slot_map[:, ::4, ::4])
    fine = losses_and_gradient(logits, slot_map)
    for a, b in zip(coarse, fine):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_pictures_do_not_mix():
    rng = np.random.default_rng(1)
    slot_map = rng.integers(4, size=[2, 4, 4])
    logits = rng.normal(0, 2, [2, 4, 4, 3])
    first, second = (losses_and_gradient(logits[i : i + 1], slot_map[i : i + 1]) for i in range(2))
    both = losses_and_gradient(logits, slot_map)
    for a, b, c in zip(first, second, both):
        np.testing.assert_allclose(np.concatenate([a, b]), c, atol=1e-6)


def test_more_slots_than_a_byte_counts_stay_apart():
    slot_map = np.arange(1, 401).reshape(1, 20, 20)
    logits = np.full([1, 20, 20, 400], -30.0)
    logits.reshape(400, 400)[np.arange(400), np.arange(400)] = 30.0
    bce, dice, _ = losses_and_gradient(logits, slot_map)
    assert bce.max() < 1e-5
    assert dice.max() < 1e-5


def test_a_picture_of_void_costs_no_cross_entropy_and_no_gradient():
    bce, dice, gradient = losses_and_gradient(np.full([1, 2, 2, 3], 5.0), np.zeros([1, 4, 4]))
    assert (bce == 0).all()
    assert np.isfinite(dice).all()
    assert (gradient == 0).all()


@pytest.mark.parametrize("logit", [100.0, -100.0])
def test_stays_finite_and_right_at_extreme_logits(logit):
    bce, dice, gradient = losses_and_gradient(np.full([1, 1, 2, 2], logit), [[[1, 2]]])
    assert bce == pytest.approx(np.full([1, 2], 50.0))  # One of two cells is wrong by 100.
    assert dice == pytest.approx(np.full([1, 2], 1 - 3 / 4 if logit > 0 else 1 - 1 / 2))
    by_bce = 0.5 * np.sign(logit) * (np.eye(2)[None, None] if logit < 0 else 1 - np.eye(2))
    np.testing.assert_allclose(gradient, np.reshape(by_bce, [1, 1, 2, 2]), atol=1e-6)


def test_a_map_that_does_not_fit_the_grid_is_refused():
    with pytest.raises(ValueError, match=r"3x4: expected a whole multiple .* 2x2"):
        mask_losses(tf.zeros([1, 2, 2, 1]), tf.zeros([1, 3, 4], tf.uint8))
