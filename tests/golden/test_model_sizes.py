"""The large model against its published size and cost (method: Published results)."""

from __future__ import annotations

import math

import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN

INPUT_SIZE = (800, 1216)
"""The least legal size that holds 800x1200."""

PUBLISHED = {
    "backbone": 23.56e6,
    "pixel_decoder": 31.64e6,
    "pyramid": 0.90e6,
    "heads": 1.17e6,
    "generator": 0.53e6,
    "class_embedding_table": 0.05e6,
}
"""Weights of every kind, batch norms' statistics in the backbone included. All norms after the
backbone are layer norms, which have none."""


@pytest.fixture(scope="module")
def large():
    """The model, and a trace of it at full size, which computes nothing."""
    model = MaskConver(
        num_classes=201,
        backbone=resnet(50),
        pixel_decoder=ConvNeXtUNet(),
        pyramid=LightFPN(norm="layer"),
        norm="layer",
    )
    model(tf.zeros([1, 32, 32, 3], tf.uint8))
    images = tf.TensorSpec([1, *INPUT_SIZE, 3], tf.uint8)
    trace = tf.function(model, autograph=False).get_concrete_function(images, training=False)
    return model, trace.graph


def _num_weights(*layers: tf_keras.layers.Layer) -> int:
    return sum(math.prod(w.shape) for layer in layers for w in layer.weights)


def parts(model: MaskConver) -> dict[str, int]:
    generator = model.mask_embedding_generator
    table = math.prod(generator.class_embedding_table.shape)
    heads = (model.center_heatmap_head, model.center_embedding_head, model.mask_feature_head)
    return {
        "backbone": _num_weights(model.backbone),
        "pixel_decoder": _num_weights(model.pixel_decoder),
        "pyramid": _num_weights(model.pyramid),
        "heads": _num_weights(*heads),
        "generator": _num_weights(generator) - table,
        "class_embedding_table": table,
    }


def test_every_part_has_the_published_size(large):
    found = parts(large[0])
    assert found.keys() == PUBLISHED.keys()
    for name, published in PUBLISHED.items():
        assert found[name] == pytest.approx(published, abs=0.005e6 + 1), name
    assert sum(found.values()) == _num_weights(large[0]) == pytest.approx(57.85e6, abs=0.005e6)


def test_costs_the_published_multiply_adds(large):
    _, graph = large
    published_size = 800 * 1200 / math.prod(INPUT_SIZE)
    assert multiply_adds(graph) * published_size == pytest.approx(170.5e9, rel=0.001)


def test_batch_norms_instead_add_statistics_and_no_more():
    """With "batch" what is trained, and no longer all there is, has the published size."""
    pyramid = {level: tf.zeros([1, 1, 1, 384]) for level in (3, 4, 5)}
    for norm, count in (("layer", _num_weights), ("batch", _num_trainable)):
        fpn = LightFPN(norm=norm)
        fpn(pyramid)
        assert count(fpn) == 904_832


def _num_trainable(layer: tf_keras.layers.Layer) -> int:
    return sum(math.prod(w.shape) for w in layer.trainable_weights)


def multiply_adds(graph: tf.Graph) -> int:
    """Of all convolutions and matrix products of a trace with static shapes."""
    operations = [*graph.get_operations()]
    return sum(_COSTS[op.type](op) for op in operations if op.type in _COSTS)


def _convolution(op: tf.Operation) -> int:
    """Each output takes a kernel's height x width x input channels."""
    return math.prod(op.outputs[0].shape) * math.prod(op.inputs[1].shape[:3])


def _depthwise(op: tf.Operation) -> int:
    return math.prod(op.outputs[0].shape) * math.prod(op.inputs[1].shape[:2])


def _matrix_product(op: tf.Operation) -> int:
    return math.prod(op.outputs[0].shape) * op.inputs[1].shape[0]


_COSTS = {"Conv2D": _convolution, "DepthwiseConv2dNative": _depthwise, "MatMul": _matrix_product}
