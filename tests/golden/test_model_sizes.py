"""The large model against its published size and cost (method: Published results)."""

from __future__ import annotations

import math

import pytest
import tensorflow as tf

from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.complexity import Complexity, complexity
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
    """The model, and its size and cost at full size."""
    model = MaskConver(
        num_classes=201,
        backbone=resnet(50),
        pixel_decoder=ConvNeXtUNet(),
        pyramid=LightFPN(norm="layer"),
        norm="layer",
    )
    model(tf.zeros([1, 32, 32, 3], tf.uint8))
    return model, complexity(model, INPUT_SIZE)


def published_parts(model: MaskConver, found: Complexity) -> dict[str, int]:
    """Weights of each part, in the parts of the published count."""
    table = math.prod(model.mask_embedding_generator.class_embedding_table.shape)
    heads = ("center_heatmap_head", "center_embedding_head", "mask_feature_head")
    parts = {name: n for name, n in found.parameters.items() if name not in heads}
    parts["generator"] = parts.pop("mask_embedding_generator") - table
    parts["heads"] = sum(found.parameters[name] for name in heads)
    return parts | {"class_embedding_table": table}


def test_every_part_has_the_published_size(large):
    model, found = large
    parts = published_parts(*large)
    assert parts.keys() == PUBLISHED.keys()
    for name, published in PUBLISHED.items():
        assert parts[name] == pytest.approx(published, abs=0.005e6 + 1), name
    assert model.count_params() == found.num_parameters == pytest.approx(57.85e6, abs=0.005e6)


def test_costs_the_published_multiply_adds(large):
    published_size = 800 * 1200 / math.prod(INPUT_SIZE)
    assert large[1].multiply_adds * published_size == pytest.approx(170.5e9, rel=0.001)


def test_batch_norms_instead_add_statistics_and_no_more():
    """With "batch" what is trained, and no longer all there is, has the published size."""
    pyramid = {level: tf.zeros([1, 1, 1, 384]) for level in (3, 4, 5)}
    for norm, weights in (("layer", "weights"), ("batch", "trainable_weights")):
        fpn = LightFPN(norm=norm)
        fpn(pyramid)
        assert sum(math.prod(w.shape) for w in getattr(fpn, weights)) == 904_832
