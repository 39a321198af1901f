import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.maskconver_loss import MaskConverLoss

LN2 = math.log(2)
NAMES = ["center_heatmap_loss", "loss", "mask_bce_loss", "mask_dice_loss"]


def make_batch(seed=1):
    """Two 32x32 pictures: labels at stride 2, masks at stride 4, levels 3..5, 2 classes, 3 slots.

    Slot 2 of picture 0 is empty; the right half of picture 1 is void and so are slot 1's pixels.
    """
    rng = np.random.default_rng(seed)
    slot_map = rng.integers(1, 3, [2, 16, 16])
    slot_map[1, :, 8:] = types.VOID
    slot_map[1, slot_map[1] == 2] = 3
    labels = {
        types.SLOT_MAP: slot_map,
        types.SLOT_CLASS_IDS: [[0, 1, -1], [1, 1, 0]],
        types.CENTER_LEVELS: [[3, 5, -1], [4, 3, 3]],
        types.CENTER_INDICES: [[[1, 2], [0, 0], [0, 0]], [[1, 0], [3, 3], [2, 1]]],
        types.GAUSSIAN_RADII: [[1, 0, 0], [0, 2, 1]],
    }
    labels = {key: tf.constant(value, tf.int32) for key, value in labels.items()}
    logits = {k: tf.constant(rng.normal(0, 2, [2, n, n, 2]), tf.float32) for k, n in SIDES.items()}
    outputs = {
        types.CENTER_HEATMAP_LOGITS: logits,
        types.MASK_LOGITS: tf.constant(rng.normal(0, 2, [2, 8, 8, 3]), tf.float32),
    }
    return outputs, labels | {types.SLOT_MAP: tf.cast(labels[types.SLOT_MAP], tf.uint8)}


SIDES = {3: 4, 4: 2, 5: 1}


def losses_and_gradients(outputs, labels, loss=MaskConverLoss(), **kwargs):  # noqa: B008
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        losses = loss(outputs, labels, **kwargs)
    return losses, tape.gradient(losses["loss"], outputs)


def pictures(nest, where):
    return tf.nest.map_structure(lambda x: x[where], nest)


def assert_equal(actual, expected):
    for a, b in zip(tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_every_part_is_one_number_for_the_batch():
    outputs, labels = make_batch()
    losses = MaskConverLoss()(outputs, labels)
    levels = outputs[types.CENTER_HEATMAP_LOGITS].keys()
    assert sorted(losses) == sorted(MaskConverLoss().names(levels))
    assert set(NAMES) < set(losses)
    assert all(value.shape == () and value.dtype == tf.float32 for value in losses.values())


def test_the_gradient_is_that_of_the_reported_number():
    """The gradient must not be that of a sum over a vector of losses."""
    outputs, labels = make_batch()
    _, gradients = losses_and_gradients(outputs, labels)
    steepness = float(tf.linalg.global_norm(tf.nest.flatten(gradients)))

    def loss_after(step):
        moved = tf.nest.map_structure(lambda x, g: x + step / steepness * g, outputs, gradients)
        return float(MaskConverLoss()(moved, labels)["loss"])

    assert (loss_after(0.01) - loss_after(-0.01)) / 0.02 == pytest.approx(steepness, rel=1e-3)


def test_worked_example_of_one_segment():
    labels = {
        types.SLOT_MAP: tf.constant([[[1, 1], [1, 0]]], tf.uint8),
        types.SLOT_CLASS_IDS: tf.constant([[1, -1]]),
        types.CENTER_LEVELS: tf.constant([[3, -1]]),
        types.CENTER_INDICES: tf.constant([[[0, 0], [0, 0]]]),
        types.GAUSSIAN_RADII: tf.constant([[0, 0]]),
    }
    outputs = {
        types.CENTER_HEATMAP_LOGITS: {3: tf.zeros([1, 1, 1, 2])},
        types.MASK_LOGITS: tf.zeros([1, 2, 2, 2]),
    }
    losses = MaskConverLoss(mask_weight=10.0, center_weight=3.0)(outputs, labels)
    heatmap, bce, dice = 2 * LN2 / 4, LN2, 1 - (2 * 1.5 + 1) / (1.5 + 3 + 1)
    # Each over one segment plus one.
    assert float(losses["center_heatmap_loss"]) == pytest.approx(heatmap / 2)
    assert float(losses["mask_bce_loss"]) == pytest.approx(bce / 2)
    assert float(losses["mask_dice_loss"]) == pytest.approx(dice / 2)
    assert float(losses["loss"]) == pytest.approx(3 * heatmap / 2 + 10 * (bce + dice) / 2)


def test_shares_of_two_replicas_add_up_to_the_joint_batch():
    outputs, labels = make_batch()
    joint = losses_and_gradients(outputs, labels)
    num_segments = []

    def sum_over_replicas(value):
        num_segments.append(float(value))
        return tf.constant(5.0)

    shares = [
        losses_and_gradients(
            pictures(outputs, np.s_[i : i + 1]),
            pictures(labels, np.s_[i : i + 1]),
            sum_over_replicas=sum_over_replicas,
        )
        for i in range(2)
    ]
    assert num_segments == [2, 3]
    for name in NAMES:
        assert float(shares[0][0][name] + shares[1][0][name]) == pytest.approx(
            float(joint[0][name]), rel=1e-5
        )
    assert_equal(pictures(joint[1], np.s_[:1]), shares[0][1])
    assert_equal(pictures(joint[1], np.s_[1:]), shares[1][1])


def padded_batch(outputs, labels):
    """The batch with one more picture that is padding only, and this picture alone."""
    padded = {
        types.CONTENT_SIZE: tf.zeros([1, 2], tf.int32),
        types.SLOT_MAP: tf.fill([1, 16, 16], tf.constant(types.VOID, tf.uint8)),
        types.SLOT_CLASS_IDS: tf.fill([1, 3], types.PAD_ID),
        types.CENTER_LEVELS: tf.fill([1, 3], types.PAD_ID),
        types.CENTER_INDICES: tf.zeros([1, 3, 2], tf.int32),
        types.GAUSSIAN_RADII: tf.zeros([1, 3], tf.int32),
    }
    labels = labels | {types.CONTENT_SIZE: tf.fill([2, 2], 32)}
    more = tf.nest.map_structure(lambda x: tf.concat([x, 9 * x[:1]], axis=0), outputs)
    return more, {key: tf.concat([labels[key], padded[key]], axis=0) for key in labels}, padded


def test_a_picture_of_padding_adds_nothing_if_padding_is_ignored():
    outputs, labels = make_batch()
    more, labels_and_padding, padded = padded_batch(outputs, labels)
    ignoring = MaskConverLoss(padding="ignored")
    losses, gradients = losses_and_gradients(outputs, labels, ignoring)
    losses_more, gradients_more = losses_and_gradients(more, labels_and_padding, ignoring)
    assert_equal(losses_more, losses)
    assert_equal(pictures(gradients_more, np.s_[:2]), gradients)
    for gradient in tf.nest.flatten(gradients_more):
        assert (gradient.numpy()[2] == 0).all()

    alone, gradients_alone = losses_and_gradients(pictures(more, np.s_[2:]), padded, ignoring)
    assert [float(alone[name]) for name in NAMES] == [0, 0, 0, 0]
    for gradient in tf.nest.flatten(gradients_alone):
        assert (gradient.numpy() == 0).all()


@pytest.mark.parametrize(
    "settings", [{}, {"void": "negative"}, {"dice": "batch"}, {"bce_divisor": "canvas"}]
)
def test_a_picture_of_padding_adds_negatives_but_no_mask_loss(settings):
    outputs, labels = make_batch()
    more, labels_and_padding, padded = padded_batch(outputs, labels)
    loss = MaskConverLoss(**settings)
    losses, gradients = losses_and_gradients(outputs, labels, loss)
    losses_more, gradients_more = losses_and_gradients(more, labels_and_padding, loss)
    alone, gradients_alone = losses_and_gradients(pictures(more, np.s_[2:]), padded, loss)
    for name in ("mask_bce_loss", "mask_dice_loss"):
        assert float(losses_more[name]) == pytest.approx(float(losses[name]), rel=1e-6)
        assert float(alone[name]) == 0
    assert (gradients_more[types.MASK_LOGITS].numpy()[2] == 0).all()
    assert (gradients_alone[types.MASK_LOGITS].numpy() == 0).all()
    # Every cell of the padding is a negative: p^2 softplus(x), and the gradient lowers each score.
    negatives = sum(
        tf.reduce_sum(tf.sigmoid(x[2:]) ** 2 * tf.nn.softplus(x[2:]))
        for x in more[types.CENTER_HEATMAP_LOGITS].values()
    )
    assert float(alone["center_heatmap_loss"]) == pytest.approx(float(negatives), rel=1e-5)
    added = float(losses_more["center_heatmap_loss"] - losses["center_heatmap_loss"])
    assert added == pytest.approx(float(negatives) / 6, rel=1e-4)  # Over 5 segments plus one.
    for level, gradient in gradients_more[types.CENTER_HEATMAP_LOGITS].items():
        assert (gradient.numpy()[2] >= 0).all() and (gradient.numpy()[2] > 0).any()
        before = gradients[types.CENTER_HEATMAP_LOGITS][level]
        np.testing.assert_allclose(gradient[:2], before, rtol=1e-5, atol=1e-6)


def test_logits_on_void_change_nothing_but_at_a_center():
    outputs, labels = make_batch()
    on_void = {
        types.MASK_LOGITS: np.s_[1, :, 4:],
        3: np.s_[1, :, 2:],
        4: np.s_[1, :, 1:],
    }
    values = tf.nest.map_structure(lambda x: x.numpy().copy(), outputs)
    for level in (3, 4):
        values[types.CENTER_HEATMAP_LOGITS][level][on_void[level]] += 3
    values[types.MASK_LOGITS][on_void[types.MASK_LOGITS]] += 3
    center = (1, 3, 3, 1)  # Of slot 1, whose pixels are all void.
    values[types.CENTER_HEATMAP_LOGITS][3][center] -= 3
    changed = tf.nest.map_structure(tf.constant, values)
    losses, gradients = losses_and_gradients(outputs, labels)
    losses_changed, gradients_changed = losses_and_gradients(changed, labels)
    assert_equal(losses_changed, losses)
    assert_equal(gradients_changed, gradients)
    on_level_3 = gradients[types.CENTER_HEATMAP_LOGITS][3].numpy()
    assert on_level_3[center] < 0
    on_level_3[center] = 0
    assert (on_level_3[on_void[3]] == 0).all()
    assert (gradients[types.MASK_LOGITS].numpy()[on_void[types.MASK_LOGITS]] == 0).all()


def test_making_pixels_void_takes_them_out_of_every_sum():
    """Void is neither background nor negative: the other pixels have the same loss as alone."""
    outputs, labels = make_batch()
    left = {
        types.CENTER_HEATMAP_LOGITS: {3: outputs[types.CENTER_HEATMAP_LOGITS][3][1:, :, :2]},
        types.MASK_LOGITS: outputs[types.MASK_LOGITS][1:, :, :4],
    }
    whole = {
        types.CENTER_HEATMAP_LOGITS: {3: outputs[types.CENTER_HEATMAP_LOGITS][3][1:]},
        types.MASK_LOGITS: outputs[types.MASK_LOGITS][1:],
    }
    labels = pictures(labels, np.s_[1:])
    no_center = {types.CENTER_LEVELS: tf.constant([[4, 5, 5]])}
    cut = {types.SLOT_MAP: labels[types.SLOT_MAP][:, :, :8]}
    loss = MaskConverLoss()
    assert_equal(loss(whole, labels | no_center), loss(left, labels | no_center | cut))


def test_an_empty_slot_s_mask_costs_nothing():
    outputs, labels = make_batch()
    _, gradients = losses_and_gradients(outputs, labels)
    assert (gradients[types.MASK_LOGITS].numpy()[0, ..., 2] == 0).all()
    assert (gradients[types.MASK_LOGITS].numpy()[0, ..., :2] != 0).all()


def test_a_center_is_drawn_on_its_own_level_alone():
    outputs, labels = make_batch()
    zeros = tf.nest.map_structure(tf.zeros_like, outputs)
    _, gradients = losses_and_gradients(zeros, labels)
    rising = {
        level: np.argwhere(gradient.numpy() < 0).tolist()
        for level, gradient in gradients[types.CENTER_HEATMAP_LOGITS].items()
    }
    assert rising == {
        3: [[0, 1, 2, 0], [1, 2, 1, 0], [1, 3, 3, 1]],
        4: [[1, 1, 0, 1]],
        5: [[0, 0, 0, 1]],
    }


def test_levels_share_each_term():
    """If a segment moves to another level, its mask loss moves too, and the total stays."""
    outputs, labels = make_batch()
    levels = tuple(outputs[types.CENTER_HEATMAP_LOGITS])
    before = MaskConverLoss()(outputs, labels)
    for term in ("center_heatmap_loss", "mask_bce_loss", "mask_dice_loss"):
        shares = [float(before[f"{term}/level_{level}"]) for level in levels]
        assert sum(shares) == pytest.approx(float(before[term]), rel=1e-5)
        assert sum(share > 0 for share in shares) > 1
    all_on_first = tf.where(labels[types.CENTER_LEVELS] > 0, levels[0], types.PAD_ID)
    after = MaskConverLoss()(outputs, labels | {types.CENTER_LEVELS: all_on_first})
    assert float(after[f"mask_bce_loss/level_{levels[0]}"]) == pytest.approx(
        float(before["mask_bce_loss"]), rel=1e-5
    )
    assert float(after[f"mask_dice_loss/level_{levels[1]}"]) == 0.0


def test_weights_scale_their_terms():
    outputs, labels = make_batch()
    parts = MaskConverLoss()(outputs, labels)
    masks = float(parts["mask_bce_loss"] + parts["mask_dice_loss"])
    heatmap = float(parts["center_heatmap_loss"])
    for mask_weight, center_weight in ((5.0, 1.0), (0.0, 2.0)):
        losses = MaskConverLoss(mask_weight, center_weight)(outputs, labels)
        expected = center_weight * heatmap + mask_weight * masks
        assert float(losses["loss"]) == pytest.approx(expected, rel=1e-6)
        assert float(losses["mask_bce_loss"]) == pytest.approx(float(parts["mask_bce_loss"]))


def test_compiled_by_xla_it_gives_the_same():
    compiled = tf.function(losses_and_gradients, jit_compile=True, autograph=False)
    outputs, labels = make_batch()
    extreme = tf.nest.map_structure(lambda x: 100 * tf.sign(x), outputs)
    for logits in (outputs, extreme):
        expected = losses_and_gradients(logits, labels)
        assert all(np.isfinite(x).all() for x in tf.nest.flatten(expected))
        assert_equal(compiled(logits, labels), expected)
