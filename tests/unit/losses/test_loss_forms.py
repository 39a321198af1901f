"""Each switch of the losses, on worked examples; the defaults are tested beside their modules."""

import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.losses.center_heatmap import FocalForm, center_heatmap_loss
from maskconver_tf.losses.mask_losses import border_pixels
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from tests.unit.losses.test_maskconver_loss import assert_equal, losses_and_gradients, make_batch

LN2 = math.log(2)
NINE = math.log(9)  # The logit of a score of 0.9.


def one_picture(mask_logits, slot_map, class_ids, levels=None, **labels):
    """Outputs and labels of one picture whose centers are in the first cells of level 3."""
    num_slots = len(class_ids)
    levels = levels or [3 if class_id >= 0 else -1 for class_id in class_ids]
    centers = [[[0, slot if levels[slot] > 0 else 0] for slot in range(num_slots)]]
    labels = {
        types.SLOT_MAP: tf.constant([slot_map], tf.uint8),
        types.SLOT_CLASS_IDS: tf.constant([class_ids]),
        types.CENTER_LEVELS: tf.constant([levels]),
        types.CENTER_INDICES: tf.constant(centers),
        types.GAUSSIAN_RADII: tf.zeros([1, num_slots], tf.int32),
    } | labels
    outputs = {
        types.CENTER_HEATMAP_LOGITS: {3: tf.zeros([1, 1, num_slots, 2])},
        types.MASK_LOGITS: tf.constant(mask_logits, tf.float32)[tf.newaxis],
    }
    return outputs, labels


# ---- Padding and void ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "num_negatives"),
    [
        ({"padding": "ignored"}, 1),
        ({}, 2),
        ({"void": "negative", "padding": "ignored"}, 2),
        ({"void": "negative"}, 3),
    ],
)
def test_padding_and_void_add_their_cells_to_the_heatmap_loss(settings, num_negatives):
    """Three cells of 8 pixels: the first labelled, the second void, the third padding."""
    outputs, labels = one_picture(
        np.zeros([2, 6, 3]), [[1, 0, 0, 0, 0, 0], [0] * 6], [1, -1, -1], [3, -1, -1]
    )
    labels[types.CONTENT_SIZE] = tf.constant([[8, 16]])
    losses = MaskConverLoss(**settings)(outputs, labels)
    # Scores of 1/2: the center costs ln 2 / 4, and each negative of two classes too.
    expected = (1 + 2 * num_negatives - 1) * LN2 / 4
    assert float(losses["center_heatmap_loss"]) == pytest.approx(expected / 2)
    other = MaskConverLoss()(outputs, labels)
    assert float(losses["mask_bce_loss"]) == float(other["mask_bce_loss"]) > 0


def test_a_center_counts_even_on_ignored_padding():
    outputs, labels = one_picture(np.zeros([2, 2, 1]), [[0, 0], [0, 0]], [1])
    labels[types.CONTENT_SIZE] = tf.constant([[0, 0]])
    losses = MaskConverLoss(padding="ignored")(outputs, labels)
    assert float(losses["center_heatmap_loss"]) == pytest.approx(LN2 / 4 / 2)


# ---- The focal loss ------------------------------------------------------------------------------


def heatmap_loss(logits, heatmap, quality=None, **form):
    """The loss of a row of cells of one class, and its gradient."""
    logits, heatmap = (
        tf.reshape(tf.constant(x, tf.float32), [1, 1, -1, 1]) for x in (logits, heatmap)
    )
    if quality is not None:
        quality = tf.reshape(tf.constant(quality, tf.float32), [1, 1, -1, 1])
    valid = tf.ones([1, 1, logits.shape[2]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = center_heatmap_loss(logits, heatmap, valid, FocalForm(**form), quality)
    return float(loss[0]), tape.gradient(loss, logits).numpy().ravel()


def test_a_clipped_score_has_a_bounded_loss_and_no_gradient():
    loss, gradient = heatmap_loss([-50.0, 50.0, -50.0], [1.0, 0.0, 0.0], score_clip=1e-4)
    wrong = -((1 - 1e-4) ** 2) * math.log(1e-4)
    assert loss == pytest.approx(2 * wrong, rel=1e-4)
    assert gradient.tolist() == [0, 0, 0]
    inside = ([-9.0, 9.0, 0.5], [1.0, 0.0, 0.5])
    assert heatmap_loss(*inside, score_clip=1e-4)[0] == pytest.approx(heatmap_loss(*inside)[0])
    assert (heatmap_loss(*inside, score_clip=1e-4)[1] != 0).all()


def test_exponents():
    loss, _ = heatmap_loss([NINE, NINE], [1.0, 0.5], alpha=3.0, beta=1.0)
    expected = -(0.1**3) * math.log(0.9) - 0.5 * 0.9**3 * math.log(0.1)
    assert loss == pytest.approx(expected, rel=1e-5)


def test_more_cells_may_be_positives():
    loss, gradient = heatmap_loss([0.0] * 4, [1.0, 0.8, 0.6, 0.0], positive_from=0.8)
    assert loss == pytest.approx(LN2 / 4 * (1 + 1 + 0.4**4 + 1), rel=1e-5)
    assert (gradient < 0).tolist() == [True, True, False, False]


def test_a_quality_is_the_score_at_which_a_positive_costs_least():
    loss, gradient = heatmap_loss([NINE, NINE, NINE], [1.0] * 3, quality=[1.0, 0.9, 0.4])
    cross_entropies = [-q * math.log(0.9) - (1 - q) * math.log(0.1) for q in (1.0, 0.9, 0.4)]
    expected = sum(e * w**2 for e, w in zip(cross_entropies, (0.1, 0.0, 0.5)))
    assert loss == pytest.approx(expected, rel=1e-4)
    assert gradient[0] < 0 and gradient[1] == pytest.approx(0, abs=1e-6) and gradient[2] > 0
    whole, by_default = (
        heatmap_loss([-1.0, 3.0], [1.0, 0.7], [1.0, 1.0]),
        heatmap_loss([-1.0, 3.0], [1.0, 0.7]),
    )
    assert whole[0] == pytest.approx(by_default[0], rel=1e-6)
    np.testing.assert_allclose(whole[1], by_default[1], rtol=1e-5)


def test_the_quality_of_a_center_is_the_iou_of_its_own_mask():
    """Slot 1 has a right mask and slot 2 a mask that covers nothing; both centers score 1/2."""
    masks = np.full([2, 2, 2], -30.0)
    masks[0, :, 0] = 30.0
    outputs, labels = one_picture(masks, [[1, 1], [2, 2]], [1, 0])
    losses, gradients = losses_and_gradients(
        outputs, labels, MaskConverLoss(void="negative", quality=1.0)
    )
    heat = gradients[types.CENTER_HEATMAP_LOGITS][3].numpy()[0, 0]  # [cell, class]
    assert heat[0, 1] < 0 < heat[1, 0]
    # Two negatives, and two positives with |1 - 1/2|^2 ln 2 and |0 - 1/2|^2 ln 2.
    assert float(losses["center_heatmap_loss"]) == pytest.approx(4 * LN2 / 4 / 3, rel=1e-5)
    plain, plain_gradients = losses_and_gradients(outputs, labels)
    half, _ = losses_and_gradients(outputs, labels, MaskConverLoss(void="negative", quality=0.5))
    at_half = LN2 / 4 * 3  # The score of slot 2's center is what it should be: no loss.
    assert float(half["center_heatmap_loss"]) == pytest.approx(at_half / 3, rel=1e-5)
    assert float(losses["mask_bce_loss"]) == float(plain["mask_bce_loss"])
    np.testing.assert_array_equal(gradients[types.MASK_LOGITS], plain_gradients[types.MASK_LOGITS])


# ---- Mask losses ---------------------------------------------------------------------------------


def test_the_canvas_as_divisor_of_the_cross_entropy():
    """Of eight cells two are labelled: the published mean over the canvas is a quarter of ours."""
    slot_map = [[1, 2, 0, 0], [0, 0, 0, 0]]
    outputs, labels = one_picture(np.zeros([2, 4, 2]), slot_map, [1, 0])
    ours = MaskConverLoss()(outputs, labels)
    published = MaskConverLoss(bce_divisor="canvas")(outputs, labels)
    assert float(ours["mask_bce_loss"]) == pytest.approx(2 * LN2 / 3)
    assert float(published["mask_bce_loss"]) == pytest.approx(2 * LN2 / 4 / 3)
    assert float(published["mask_dice_loss"]) == float(ours["mask_dice_loss"])
    # A finer map changes nothing.
    finer = labels | {types.SLOT_MAP: tf.repeat(tf.repeat(labels[types.SLOT_MAP], 2, 1), 2, 2)}
    published = MaskConverLoss(bce_divisor="canvas")(outputs, finer)
    assert float(published["mask_bce_loss"]) == pytest.approx(2 * LN2 / 4 / 3)


def test_one_dice_over_all_masks_of_the_batch():
    """Slot 1 with three cells is right, slot 2 with one cell is missed, slot 3 is empty."""
    masks = np.full([2, 2, 3], -30.0)
    masks[:, :, 0] = [[30, 30], [30, -30]]
    masks[:, :, 2] = 30.0
    outputs, labels = one_picture(masks, [[1, 1], [1, 2]], [1, 0, -1])
    losses, gradients = losses_and_gradients(outputs, labels, MaskConverLoss(dice="batch"))
    joint = 1 - (2 * 3 + 1) / (3 + 3 + 0 + 1 + 1)
    assert float(losses["mask_dice_loss"]) == pytest.approx(2 * joint / 3, rel=1e-5)
    assert float(losses["mask_dice_loss/level_3"]) == pytest.approx(2 * joint / 3, rel=1e-5)
    assert (gradients[types.MASK_LOGITS].numpy()[..., 2] == 0).all()
    each = MaskConverLoss()(outputs, labels)
    assert float(each["mask_dice_loss"]) == pytest.approx((0 + 1 - 1 / 2) / 3, rel=1e-5)


def test_a_border_counts_more_in_the_cross_entropy():
    slot_map = [[1, 1, 1, 0], [1, 1, 1, 0], [2, 2, 2, 0]]
    marked = border_pixels(tf.constant([slot_map], tf.uint8))[0].numpy().astype(int)
    assert marked.tolist() == [[0, 0, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0]]
    logits = np.zeros([3, 4, 2])
    logits[0, 0, 0] = NINE  # Inside, right: -ln 0.9 where the others have ln 2.
    outputs, labels = one_picture(logits, slot_map, [1, -1])
    plain = MaskConverLoss()(outputs, labels)
    weighted = MaskConverLoss(border_weight=3.0)(outputs, labels)
    assert float(plain["mask_bce_loss"]) == pytest.approx((8 * LN2 - math.log(0.9)) / 9 / 2)
    expected = ((1 + 3 * 7) * LN2 - math.log(0.9)) / (2 + 3 * 7) / 2
    assert float(weighted["mask_bce_loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(weighted["mask_dice_loss"]) == float(plain["mask_dice_loss"])


# ---- All of them ---------------------------------------------------------------------------------

FORMS = [
    {"padding": "ignored"},
    {"void": "negative", "score_clip": 1e-4, "bce_divisor": "canvas"},
    {"alpha": 1.5, "beta": 6.0, "positive_from": 0.5},
    {"quality": 0.7, "border_weight": 4.0},
    {"dice": "batch"},
]


@pytest.mark.parametrize("settings", FORMS)
def test_a_permutation_of_slots_changes_nothing(settings):
    outputs, labels = make_batch()
    labels |= {types.CONTENT_SIZE: tf.constant([[32, 20], [8, 32]])}
    order = [2, 0, 1]
    moved = {
        name: tf.gather(value, order, axis=1)
        for name, value in labels.items()
        if name not in (types.SLOT_MAP, types.CONTENT_SIZE)
    }
    table = tf.constant([0, 2, 3, 1], tf.uint8)  # Slot 1 is now 2, 2 is 3, 3 is 1.
    moved[types.SLOT_MAP] = tf.gather(table, tf.cast(labels[types.SLOT_MAP], tf.int32))
    moved_outputs = outputs | {
        types.MASK_LOGITS: tf.gather(outputs[types.MASK_LOGITS], order, axis=3)
    }
    loss = MaskConverLoss(**settings)
    assert_equal(loss(moved_outputs, labels | moved), loss(outputs, labels))


@pytest.mark.parametrize("settings", FORMS)
def test_compiled_by_xla_each_form_gives_the_same(settings):
    loss = MaskConverLoss(**settings)

    def compute(outputs, labels):
        return losses_and_gradients(outputs, labels, loss)

    compiled = tf.function(compute, jit_compile=True, autograph=False)
    outputs, labels = make_batch()
    labels |= {types.CONTENT_SIZE: tf.constant([[32, 20], [8, 32]])}
    extreme = tf.nest.map_structure(lambda x: 100 * tf.sign(x), outputs)
    for logits in (outputs, extreme):
        expected = compute(logits, labels)
        assert all(np.isfinite(x).all() for x in tf.nest.flatten(expected))
        assert_equal(compiled(logits, labels), expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"padding": "void"}, "padding = 'void' .*: expected 'negative' or 'ignored'"),
        ({"void": True}, "void = True .*: expected"),
        ({"dice": "mean"}, "dice = 'mean' .*: expected 'per_mask' or 'batch'"),
        ({"bce_divisor": 2}, "bce_divisor = 2 .*: expected 'valid' or 'canvas'"),
        ({"score_clip": 0.5}, "score_clip = 0.5 .*: expected a number from 0 to 0.49"),
        ({"alpha": 0.5}, "alpha = 0.5 .*: expected a number from 1"),
        ({"beta": float("nan")}, "beta = nan .*: expected a number from 0"),
        ({"positive_from": 0}, "positive_from = 0 .*: expected"),
        ({"quality": "1"}, "quality = '1' .*: expected a number from 0 to 1"),
        ({"border_weight": True}, "border_weight = True .*: expected a number from 0"),
        ({"quality": 1.0, "positive_from": 0.5}, "exclude each other.*set positive_from = 1.0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(UserError, match=f"MaskConverLoss.*{message}"):
        MaskConverLoss(**settings)
