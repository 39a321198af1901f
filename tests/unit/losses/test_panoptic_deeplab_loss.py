"""The loss of Panoptic-DeepLab: worked answers, a slow version, and what must not count."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.losses.panoptic_deeplab_loss import PanopticDeepLabLoss

NAMES = ("loss", "semantic_loss", "center_loss", "offset_loss")


def make_labels(slot_map, class_ids, is_thing, stride=4) -> dict[str, tf.Tensor]:
    """Labels of a batch, for maps `[B, h, w]`."""
    slot_map = np.asarray(slot_map, np.uint8)
    batch, height, width = slot_map.shape
    return {
        types.IMAGE: tf.zeros([batch, height * stride, width * stride, 3], tf.uint8),
        types.SLOT_MAP: tf.constant(slot_map),
        types.SLOT_CLASS_IDS: tf.constant(class_ids, tf.int32),
        types.SLOT_IS_THING: tf.constant(is_thing),
    }


def make_outputs(height=2, width=2, num_classes=2, batch=1) -> dict[str, tf.Tensor]:
    shape = [batch, height, width]
    return {
        types.SEMANTIC_LOGITS: tf.zeros([*shape, num_classes]),
        types.CENTER_SCORES: tf.zeros([*shape, 1]),
        types.CENTER_OFFSETS: tf.zeros([*shape, 2]),
    }


# Slot 1 is stuff of class 0, slot 2 a thing of class 1 in the lower left cell; void at the right.
ONE = make_labels([[[1, 1], [2, 0]]], [[0, 1, -1]], [[False, True, False]])


def test_semantic_loss_of_the_hardest_pixels():
    """Equal logits cost log 2 a pixel, 3 times as much in the small thing, and nothing in void."""
    for share, expected in ((0.25, 3.0), (0.5, 2.0), (1.0, 5 / 4)):
        loss = PanopticDeepLabLoss(hard_share=share)
        found = loss(make_outputs(), ONE)["semantic_loss"]
        np.testing.assert_allclose(found, expected * np.log(2), rtol=1e-6)


def test_a_thing_is_small_below_the_limit_in_input_pixels():
    for small_area, weight in ((16, 1.0), (17, 3.0)):  # One cell of 4 x 4 pixels.
        loss = PanopticDeepLabLoss(hard_share=0.25, small_area=small_area)
        found = loss(make_outputs(), ONE)["semantic_loss"]
        np.testing.assert_allclose(found, weight * np.log(2), rtol=1e-6)


def test_center_loss_is_the_mean_over_labelled_cells():
    """The thing's center is the middle of its cell; neighbors are 4 pixels away."""
    outputs = make_outputs()
    near, diagonal = np.exp(-16 / 128), np.exp(-32 / 128)
    found = PanopticDeepLabLoss()(outputs, ONE)["center_loss"]
    np.testing.assert_allclose(found, (near**2 + diagonal**2 + 1) / 3, rtol=1e-6)
    perfect = tf.constant([near, diagonal, 1.0, 77.0], tf.float32, [1, 2, 2, 1])  # 77: void.
    found = PanopticDeepLabLoss()(outputs | {types.CENTER_SCORES: perfect}, ONE)["center_loss"]
    np.testing.assert_allclose(found, 0, atol=1e-12)


def test_offset_loss_counts_both_directions_of_things_alone():
    """A thing of two cells has its center between them: 2 pixels from each middle."""
    labels = make_labels([[[2, 2], [1, 1]]], [[0, 1]], [[False, True]])
    outputs = make_outputs()
    assert PanopticDeepLabLoss()(outputs, labels)["offset_loss"] == 2.0
    offsets = tf.constant([[[[0.0, 2.0], [1.0, -2.0]], [[9.0, 9.0], [9.0, 9.0]]]])
    found = PanopticDeepLabLoss()(outputs | {types.CENTER_OFFSETS: offsets}, labels)["offset_loss"]
    assert found == 0.5  # One of two pixels is wrong by 1 in y.


def test_the_weights_of_the_paper():
    found = PanopticDeepLabLoss()(make_outputs(), ONE)
    expected = found["semantic_loss"] + 200 * found["center_loss"] + 0.01 * found["offset_loss"]
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-6)
    assert tuple(found) == PanopticDeepLabLoss.names((2,)) == NAMES


# ---- Against a slow version ----------------------------------------------------------------------
def random_batch(seed: int):
    """Two pictures with labels at stride 2; outputs at stride 4."""
    rng = np.random.default_rng(seed)
    maps = np.repeat(np.repeat(rng.integers(0, 6, [2, 5, 4]), 2, 1), 2, 2)
    maps[:, ::3, ::2] = rng.integers(0, 6, maps[:, ::3, ::2].shape)
    class_ids = rng.integers(0, 4, [2, 6])
    class_ids[:, 5] = -1
    is_thing = (class_ids >= 2) & (class_ids >= 0)
    outputs = {
        types.SEMANTIC_LOGITS: rng.normal(size=[2, 5, 4, 4]),
        types.CENTER_SCORES: rng.normal(size=[2, 5, 4, 1]),
        types.CENTER_OFFSETS: rng.normal(size=[2, 5, 4, 2]) * 9,
    }
    outputs = {name: tf.constant(value, tf.float32) for name, value in outputs.items()}
    return outputs, make_labels(maps, class_ids, is_thing, stride=2)


def slow_loss(outputs, labels, loss: PanopticDeepLabLoss) -> dict[str, float]:
    """Pixel by pixel, in float64."""
    sums = np.zeros(3)
    for i, slot_map in enumerate(labels[types.SLOT_MAP].numpy().astype(int)):
        classes = labels[types.SLOT_CLASS_IDS][i].numpy()
        things = labels[types.SLOT_IS_THING][i].numpy()
        cells = {k + 1: np.argwhere(slot_map == k + 1) for k in np.flatnonzero(things)}
        cells = {k: where for k, where in cells.items() if len(where)}
        centers = {k: 2 * (where.mean(0) + 0.5) for k, where in cells.items()}
        semantic, offset = [], []
        smooth = tf.image.resize(outputs[types.CENTER_OFFSETS][i], slot_map.shape).numpy()
        for (y, x), slot in np.ndenumerate(slot_map):
            x_logits = outputs[types.SEMANTIC_LOGITS][i, y // 2, x // 2].numpy().astype(float)
            small = slot in cells and 4 * len(cells[slot]) < loss.small_area
            cost = np.log(np.exp(x_logits).sum()) - x_logits[classes[slot - 1]] if slot else 0.0
            semantic.append(cost * (loss.small_weight if small else 1.0))
            if slot in centers:
                wanted = centers[slot] - [2 * y + 1, 2 * x + 1]
                offset.append(np.abs(smooth[y, x] - wanted).sum())
        count = round(loss.hard_share * slot_map.size)
        squares = []
        for (y, x), score in np.ndenumerate(outputs[types.CENTER_SCORES][i, ..., 0].numpy()):
            if slot_map[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].any():
                d2 = [((c - [4 * y + 2, 4 * x + 2]) ** 2).sum() for c in centers.values()]
                target = max(np.exp(-np.array(d2) / (2 * loss.center_sigma**2)), default=0.0)
                squares.append((score - target) ** 2)
        sums += [np.sort(semantic)[-count:].mean(), np.mean(squares), np.mean(offset)]
    return dict(zip(NAMES[1:], sums / len(labels[types.SLOT_MAP])))


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_equals_a_slow_version(seed):
    outputs, labels = random_batch(seed)
    loss = PanopticDeepLabLoss(hard_share=0.3, small_area=20, center_sigma=5.0)
    expected = slow_loss(outputs, labels, loss)
    found = loss(outputs, labels)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)


def test_the_shares_of_replicas_add_up():
    outputs, labels = random_batch(7)
    whole = PanopticDeepLabLoss()(outputs, labels)
    shares = []
    for i in range(2):
        one = [{name: value[i : i + 1] for name, value in x.items()} for x in (outputs, labels)]
        shares.append(PanopticDeepLabLoss()(*one, sum_over_replicas=lambda n: 2 * n))
    for name in NAMES:
        np.testing.assert_allclose(shares[0][name] + shares[1][name], whole[name], rtol=1e-5)


def test_the_order_of_slots_changes_nothing():
    outputs, labels = random_batch(3)
    order = np.array([3, 0, 5, 1, 4, 2])
    place = np.concatenate([[0], np.argsort(order) + 1])
    changed = labels | {types.SLOT_MAP: tf.gather(place, tf.cast(labels[types.SLOT_MAP], tf.int32))}
    for name in (types.SLOT_CLASS_IDS, types.SLOT_IS_THING):
        changed[name] = tf.gather(labels[name], order, axis=1)
    found, expected = (PanopticDeepLabLoss()(outputs, x) for x in (changed, labels))
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)


def test_a_picture_of_padding_adds_no_loss_and_no_gradient():
    labels = make_labels(np.zeros([1, 4, 4]), [[-1, -1]], [[False, False]])
    outputs = {n: tf.Variable(v + 1.0) for n, v in make_outputs(4, 4).items()}
    with tf.GradientTape() as tape:
        loss = PanopticDeepLabLoss()(outputs, labels)["loss"]
    assert loss == 0
    for gradient in tape.gradient(loss, list(outputs.values())):
        np.testing.assert_array_equal(gradient, tf.zeros_like(gradient))


def test_a_picture_of_stuff_alone_wants_no_center():
    labels = make_labels(np.ones([1, 2, 2]), [[0]], [[False]])
    outputs = make_outputs() | {types.CENTER_SCORES: tf.fill([1, 2, 2, 1], 0.5)}
    found = PanopticDeepLabLoss()(outputs, labels)
    assert found["center_loss"] == 0.25
    assert found["offset_loss"] == 0


@pytest.mark.parametrize(
    "settings",
    [{"hard_share": 1.5}, {"center_sigma": 0}, {"small_area": 1.5}, {"center_weight": -1}],
)
def test_a_wrong_setting_is_refused(settings):
    [name] = settings
    with pytest.raises(UserError, match=f"PanopticDeepLabLoss.{name} = "):
        PanopticDeepLabLoss(**settings)
