"""The semantic branch exists in training alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.training.tasks.panoptic_task import _check_semantic_branch
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, make_model


@pytest.fixture(scope="module")
def model():
    model = make_model(semantic_branch=True)
    model(IMAGES, training=False)
    return model


def test_training_gives_the_class_of_each_mask_cell_and_inference_does_not(model):
    outputs = model(IMAGES, centers=CENTERS, training=True)
    masks, classes = outputs[types.MASK_LOGITS], outputs[types.SEMANTIC_LOGITS]
    assert classes.shape == (*masks.shape[:3], model.num_classes) and classes.dtype == tf.float32
    assert types.SEMANTIC_LOGITS not in model(IMAGES, training=False)


def test_inference_does_not_compute_it(model):
    infer = tf.function(lambda images: model(images, training=False), autograph=False)
    names = [
        operation.name for operation in infer.get_concrete_function(IMAGES).graph.get_operations()
    ]
    assert any("mask_feature_head" in name for name in names)
    assert not any("semantic_branch" in name for name in names)


def test_its_gradient_reaches_backbone_and_decoder_and_no_head(model):
    with tf.GradientTape() as tape:
        logits = model(IMAGES, centers=CENTERS, training=True)[types.SEMANTIC_LOGITS]
        loss = tf.reduce_sum(tf.square(logits))
    parts = (model.pixel_decoder, model.semantic_branch, model.center_heatmap_head)
    variables = [part.trainable_variables for part in parts]
    reached = tape.gradient(loss, variables)
    assert all(g is not None and np.any(g) for g in reached[1])
    assert any(g is not None and np.any(g) for g in reached[0])
    assert all(g is None for g in reached[2])


def test_a_branch_without_a_weight_and_a_weight_without_a_branch_are_refused():
    logits, weight = {types.SEMANTIC_LOGITS: tf.zeros([])}, (types.SEMANTIC_LOGITS,)
    _check_semantic_branch(logits, weight)
    _check_semantic_branch({}, ())
    with pytest.raises(UserError, match="set MaskConver.semantic_branch = True"):
        _check_semantic_branch({}, weight)
    with pytest.raises(UserError, match="set MaskConverLoss.semantic_weight = 2.0"):
        _check_semantic_branch(logits, ())
