"""The semantic branch's loss is the mean cross-entropy of labelled pixels, picture by picture."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from maskconver_tf.losses.semantic_branch import semantic_branch_loss

LOGITS = tf.math.log([[[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]], [[[0.2, 0.2, 0.6], [0.3, 0.3, 0.4]]]])
"""float32 `[2, 1, 2, 3]`: class probabilities of two cells of two pictures."""
CLASS_IDS = tf.constant([[1, 0, -1], [2, -1, -1]])


def test_it_is_the_mean_over_labelled_pixels_of_each_picture():
    slot_map = tf.constant([[[1, 0, 2, 2], [2, 0, 1, 1]], [[0, 0, 0, 0], [0, 0, 0, 0]]], tf.uint8)
    # Cell 0 of picture 0 has one pixel of class 1 and one of class 0. Cell 1 has two of each.
    expected = -(np.log(0.25) + np.log(0.5) + 2 * np.log(0.1) + 2 * np.log(0.8)) / 6
    losses = semantic_branch_loss(LOGITS, slot_map, CLASS_IDS)
    np.testing.assert_allclose(losses, [expected, 0.0], rtol=1e-6)


def test_slots_can_change_places():
    slot_map = tf.constant([[[1, 2]], [[1, 1]]], tf.int32)
    swapped = tf.constant([[[2, 1]], [[3, 3]]], tf.int32)
    ids = tf.constant([[0, 1, -1], [-1, -1, 2]])
    np.testing.assert_array_equal(
        semantic_branch_loss(LOGITS, slot_map, CLASS_IDS),
        semantic_branch_loss(LOGITS, swapped, ids),
    )


@pytest.fixture
def batch() -> tuple[dict, dict]:
    """Two pictures with 2 and 1 segments, one 1x2 mask grid, one center level."""
    outputs = {
        types.CENTER_HEATMAP_LOGITS: {3: tf.zeros([2, 1, 1, 3])},
        types.MASK_LOGITS: tf.zeros([2, 1, 2, 3]),
        types.SEMANTIC_LOGITS: LOGITS,
    }
    labels = {
        types.SLOT_MAP: tf.constant([[[1, 2]], [[1, 1]]], tf.uint8),
        types.SLOT_CLASS_IDS: CLASS_IDS,
        types.CENTER_LEVELS: tf.constant([[3, 3, -1], [3, -1, -1]]),
        types.CENTER_INDICES: tf.zeros([2, 3, 2], tf.int32),
        types.GAUSSIAN_RADII: tf.zeros([2, 3], tf.int32),
    }
    return outputs, labels


def test_each_picture_counts_by_its_segments_and_the_weight_scales_it(batch):
    outputs, labels = batch
    loss = MaskConverLoss(semantic_weight=2.0)
    found, without = loss(outputs, labels), MaskConverLoss()(outputs, labels)
    pictures = [-(np.log(0.25) + np.log(0.1)) / 2, -(np.log(0.6) + np.log(0.4)) / 2]
    expected = (2 * pictures[0] + 1 * pictures[1]) / (3 + 1)
    np.testing.assert_allclose(found["semantic_loss"], expected, rtol=1e-6)
    np.testing.assert_allclose(found["loss"], without["loss"] + 2 * expected, rtol=1e-6)
    assert sorted(found) == sorted(loss.names([3]))
    assert "semantic_loss" not in without and types.SEMANTIC_LOGITS in loss.fields


def pictures(batch, i):
    return tf.nest.map_structure(lambda x: x[i : i + 1], batch)


def test_the_shares_of_two_replicas_add_up(batch):
    outputs, labels = batch
    loss = MaskConverLoss(semantic_weight=2.0)
    halves = [loss(*pictures(batch, i), lambda _: 3.0) for i in range(2)]
    total = sum(half["semantic_loss"] for half in halves)
    np.testing.assert_allclose(total, loss(outputs, labels)["semantic_loss"], rtol=1e-6)
