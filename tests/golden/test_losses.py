"""Losses and their gradients against dense NumPy, on random labels."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from tests.golden import dense_losses

NUM_CLASSES = 4


def random_batch(rng, input_size, mask_stride, label_stride, num_slots, batch=2):
    """Logits, and labels with void, empty slots between full ones, and full slots without pixels.

    Several Gaussians overlap, and some centers lie on void.
    """
    height, width = (side // label_stride for side in input_size)
    block = max(1, height * width // (4 * num_slots)) ** 0.5
    coarse = rng.integers(
        num_slots + 1, size=[batch, *(int(s // block) + 1 for s in (height, width))]
    )
    rows, columns = (np.arange(n) / block for n in (height, width))
    slot_map = coarse[:, rows.astype(int)][:, :, columns.astype(int)]
    slot_map[rng.random(slot_map.shape) < 0.2] = types.VOID
    slot_map[:, : height // 3, width // 2 :] = types.VOID

    class_ids = rng.integers(0, NUM_CLASSES, [batch, num_slots])
    empty = rng.random([batch, num_slots]) < 0.3
    empty[:, 0] = False
    levels = rng.choice([3, 4, 5, 7], [batch, num_slots])
    sizes = np.array([[-(-side // 2**level) for side in input_size] for level in range(8)])
    labels = {
        types.SLOT_MAP: np.where(_slot_is_empty(empty, slot_map), types.VOID, slot_map),
        types.SLOT_CLASS_IDS: np.where(empty, types.PAD_ID, class_ids),
        types.CENTER_LEVELS: np.where(empty, types.PAD_ID, levels),
        types.CENTER_INDICES: rng.integers(0, sizes[levels]) * ~empty[..., None],
        types.GAUSSIAN_RADII: rng.integers(0, 5, [batch, num_slots]) * ~empty,
    }
    grid = [side // mask_stride for side in input_size]
    mask_logits = rng.normal(0, 4, [batch, *grid, num_slots]).astype(np.float32)
    heatmap_logits = {
        level: rng.normal(-2, 3, [batch, *sizes[level], NUM_CLASSES]).astype(np.float32)
        for level in (3, 4, 5, 7)
    }
    return mask_logits, heatmap_logits, labels


def _slot_is_empty(empty, slot_map):
    return np.stack([row[slots - 1] for row, slots in zip(empty, slot_map)])


@pytest.mark.parametrize(
    ("input_size", "mask_stride", "label_stride", "num_slots"),
    [
        ((64, 64), 4, 4, 6),
        ((96, 160), 4, 2, 7),  # No multiple of the strides 64 and 128 of the coarsest levels.
        ((64, 32), 4, 1, 5),
        ((32, 96), 8, 4, 3),
        ((96, 96), 4, 2, 300),
    ],
)
def test_losses_and_gradients_equal_dense_ones(input_size, mask_stride, label_stride, num_slots):
    rng = np.random.default_rng(num_slots)
    mask_logits, heatmap_logits, labels = random_batch(
        rng, input_size, mask_stride, label_stride, num_slots
    )
    assert len(np.unique(labels[types.SLOT_MAP])) > min(num_slots, 256) / 2
    loss = MaskConverLoss(mask_weight=10.0, center_weight=0.5)
    expected = dense_losses.dense_losses(
        mask_logits, heatmap_logits, labels, label_stride, mask_weight=10.0, center_weight=0.5
    )
    outputs = {
        types.MASK_LOGITS: tf.constant(mask_logits),
        types.CENTER_HEATMAP_LOGITS: {k: tf.constant(x) for k, x in heatmap_logits.items()},
    }
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        found = loss(outputs, _as_tensors(labels))
    gradients = tape.gradient(found["loss"], outputs)

    assert float(found["loss"]) == pytest.approx(expected.total, rel=1e-5)
    assert float(found["center_heatmap_loss"]) == pytest.approx(expected.heatmap, rel=1e-5)
    assert float(found["mask_bce_loss"]) == pytest.approx(expected.bce, rel=1e-5)
    assert float(found["mask_dice_loss"]) == pytest.approx(expected.dice, rel=1e-5)
    _assert_equal(gradients[types.MASK_LOGITS], expected.mask_gradient)
    for level, gradient in gradients[types.CENTER_HEATMAP_LOGITS].items():
        _assert_equal(gradient, expected.heatmap_gradients[level])


def test_the_dense_gradients_are_those_of_the_dense_losses():
    rng = np.random.default_rng(1)
    mask_logits, heatmap_logits, labels = random_batch(rng, (32, 32), 8, 4, 3)
    mask_logits = mask_logits.astype(np.float64)
    heatmap_logits = {level: x.astype(np.float64) for level, x in heatmap_logits.items()}

    def losses():
        return dense_losses.dense_losses(mask_logits, heatmap_logits, labels, 4, 10.0, 0.5)

    analytic = losses()
    pairs = [(mask_logits, analytic.mask_gradient)]
    pairs += [(x, analytic.heatmap_gradients[level]) for level, x in heatmap_logits.items()]
    for logits, gradient in pairs:
        for position in rng.choice(logits.size, min(logits.size, 20), replace=False):
            position = np.unravel_index(position, logits.shape)
            logits[position] += 1e-5
            above = losses().total
            logits[position] -= 2e-5
            below = losses().total
            logits[position] += 1e-5
            assert (above - below) / 2e-5 == pytest.approx(gradient[position], abs=1e-7)


def _as_tensors(labels):
    tensors = {key: tf.constant(value, tf.int32) for key, value in labels.items()}
    return tensors | {types.SLOT_MAP: tf.constant(labels[types.SLOT_MAP], tf.uint16)}


def _assert_equal(actual, expected):
    """Allows an error of 1e-5 of the value or of the largest value: float32 sums many terms."""
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
