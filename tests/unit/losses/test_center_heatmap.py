import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.losses.center_heatmap import center_heatmap_loss

LN2 = math.log(2)


def loss_and_gradient(logits, heatmap, valid_mask):
    logits = tf.constant(logits, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = center_heatmap_loss(logits, tf.constant(heatmap, tf.float32), valid_mask)
    return loss.numpy(), tape.gradient(loss, logits).numpy()


def test_weighs_an_undecided_score_by_its_distance_from_a_center():
    heatmap = np.reshape([1.0, 0.5, 0.0, 0.9], [1, 1, 4, 1])
    loss, _ = loss_and_gradient(np.zeros([1, 1, 4, 1]), heatmap, np.ones([1, 1, 4]))
    quarter = LN2 / 4  # p^2 ln 2 at p = 1/2.
    assert loss == pytest.approx([quarter * (1 + 0.5**4 + 1 + 0.1**4)])


def test_nearly_right_scores_cost_little():
    logits = np.reshape([math.log(9), math.log(9)], [1, 1, 1, 2])  # p = 0.9.
    heatmap = np.reshape([1.0, 0.0], [1, 1, 1, 2])
    loss, _ = loss_and_gradient(logits, heatmap, np.ones([1, 1, 1]))
    assert loss == pytest.approx([-(0.1**2) * math.log(0.9) - 0.9**2 * math.log(0.1)], rel=1e-5)


def test_only_a_heatmap_value_of_exactly_1_is_a_center():
    heatmap = np.reshape([0.9999], [1, 1, 1, 1])
    loss, _ = loss_and_gradient(np.zeros([1, 1, 1, 1]), heatmap, np.ones([1, 1, 1]))
    assert loss[0] < 1e-12


def test_void_cells_count_nowhere_but_their_centers_do():
    heatmap = np.zeros([1, 2, 1, 2])
    heatmap[0, 1, 0, 1] = 1.0
    logits = np.array([[[[3.0, -1.0]], [[5.0, 0.0]]]])
    loss, gradient = loss_and_gradient(logits, heatmap, np.zeros([1, 2, 1]))
    assert loss == pytest.approx([LN2 / 4])
    assert (gradient != 0).ravel().tolist() == [False, False, False, True]


def test_gives_each_picture_its_own_sum():
    logits = np.zeros([2, 2, 2, 3])
    valid_mask = np.stack([np.ones([2, 2]), np.eye(2)])
    loss, _ = loss_and_gradient(logits, np.zeros([2, 2, 2, 3]), valid_mask)
    assert loss == pytest.approx([12 * LN2 / 4, 6 * LN2 / 4])


@pytest.mark.parametrize(("logit", "expected"), [(100.0, [0, 100]), (-100.0, [100, 0])])
def test_stays_finite_and_right_at_extreme_logits(logit, expected):
    heatmap = np.reshape([1.0, 0.0], [1, 1, 1, 2])
    for target in range(2):
        only = np.s_[..., target : target + 1]
        loss, gradient = loss_and_gradient(
            np.full([1, 1, 1, 1], logit), heatmap[only], np.ones([1, 1, 1])
        )
        assert loss == pytest.approx([expected[target]], abs=1e-5)
        wrong = expected[target] == 100
        assert abs(gradient).max() == pytest.approx(float(wrong), abs=1e-5)
