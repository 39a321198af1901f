"""Cross-entropy of classification and semantic segmentation, on numbers worked by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.cross_entropy import (
    ClassificationLoss,
    SemanticLoss,
    smoothed_cross_entropy,
)

SURE = math.log(3.0)
"""Added to one of two logits, it makes its probability 3/4."""


def test_cross_entropy_is_that_of_probabilities():
    logits = tf.constant([[SURE, 0.0]])
    found = smoothed_cross_entropy(logits, tf.constant([[0, 1, types.NO_CLASS]]))
    np.testing.assert_allclose(found, [[-math.log(3 / 4), -math.log(1 / 4), 0]], rtol=1e-6)


def test_smoothing_gives_each_class_its_share():
    logits = tf.random.stateless_normal([5, 7], [1, 2])
    class_ids = tf.constant([0, 6, 3, 3, 1])
    targets = tf.one_hot(class_ids, 7) * 0.9 + 0.1 / 7
    expected = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    found = smoothed_cross_entropy(logits, class_ids[:, tf.newaxis], 0.1)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def semantic(logits, class_map, total=tf.identity):
    logits, class_map = tf.constant(logits), tf.constant(class_map, tf.int16)
    return SemanticLoss()({types.SEMANTIC_LOGITS: logits}, {types.CLASS_MAP: class_map}, total)


def test_each_labelled_pixel_is_compared_with_the_logits_of_its_cell():
    """Two cells side by side with 2 x 2 pixels each; the right one is certain of class 0."""
    logits = [[[[0.0, 0.0], [SURE, 0.0]]]]
    class_map = [[[0, -1, 0, 0], [-1, -1, -1, 1]]]
    expected = (math.log(2) + 2 * math.log(4 / 3) + math.log(4)) / 4
    assert float(semantic(logits, class_map)["loss"]) == pytest.approx(expected, rel=1e-6)


def test_void_has_no_loss_and_no_gradient():
    logits = tf.Variable(tf.random.stateless_normal([1, 2, 2, 3], [1, 2]))
    loss = SemanticLoss()
    for class_map, expected in (([[[-1, -1], [-1, -1]]], 0), ([[[2, -1], [-1, -1]]], 1)):
        with tf.GradientTape() as tape:
            labels = {types.CLASS_MAP: tf.constant(class_map)}
            value = loss({types.SEMANTIC_LOGITS: logits}, labels)["loss"]
        gradient = tape.gradient(value, logits).numpy()
        assert np.isfinite(gradient).all()
        assert (np.abs(gradient).sum(-1) > 0).sum() == expected
        assert (float(value) > 0) == expected


def test_shares_of_replicas_add_up_to_the_joint_batch():
    """A mean of means would differ: the first picture has three labelled pixels, the second one."""
    logits = np.random.default_rng(0).normal(size=[2, 2, 2, 3]).astype(np.float32)
    class_map = np.array([[[0, 1], [2, -1]], [[-1, -1], [1, -1]]])
    shares = [
        semantic(logits[i : i + 1], class_map[i : i + 1], lambda _: 4.0)["loss"] for i in (0, 1)
    ]
    assert float(sum(shares)) == pytest.approx(float(semantic(logits, class_map)["loss"]), rel=1e-6)

    loss = ClassificationLoss()
    ids = np.array([2, 0])

    def classified(part, total=tf.identity):
        outputs = {types.CLASS_LOGITS: tf.constant(logits[part, 0, 0])}
        return float(loss(outputs, {types.CLASS_ID: tf.constant(ids[part])}, total)["loss"])

    parts = [classified(slice(i, i + 1), lambda n: 2.0 * n) for i in (0, 1)]
    assert sum(parts) == pytest.approx(classified(slice(0, 2)), rel=1e-6)
