"""Panoptic-DeepLab: shapes, gradients, serialisation, and refusals of wrong settings."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.panoptic_deeplab.decoder import DeepLabDecoder
from maskconver_tf.models.panoptic_deeplab.panoptic_deeplab import PanopticDeepLab
from tests.unit.layers.check_layer import check_layer

IMAGES = tf.cast(tf.random.stateless_uniform([2, 64, 96, 3], [1, 2], 0, 256, tf.int32), tf.uint8)
SMALL = {
    "level": 5,
    "rates": (1, 2),
    "aspp_width": 8,
    "lateral_levels": (4, 3, 2),
    "semantic_laterals": (4, 4, 4),
    "semantic_width": 16,
    "instance_laterals": (4, 4, 4),
    "instance_width": 8,
    "instance_head_width": 8,
    "kernel_size": 3,
    "norm": "layer",
}


def make_model(**settings) -> PanopticDeepLab:
    return PanopticDeepLab(5, resnet(10, 0.125), **SMALL | settings)


def test_model_passes_the_checks_of_every_layer():
    shapes = {
        types.SEMANTIC_LOGITS: (2, 16, 24, 5),
        types.CENTER_SCORES: (2, 16, 24, 1),
        types.CENTER_OFFSETS: (2, 16, 24, 2),
    }
    check_layer(make_model, IMAGES, shapes, bfloat16_output="float32", bfloat16_error=0.1)


def test_offsets_are_in_input_pixels():
    """A head that says 1 cell in y and -2 in x means 4 and -8 pixels."""
    model = make_model()
    model(IMAGES)
    head = model.offset_head.output_conv
    head.kernel.assign(tf.zeros_like(head.kernel))
    head.bias.assign([1.0, -2.0])
    offsets = model(IMAGES)[types.CENTER_OFFSETS]
    np.testing.assert_array_equal(offsets, tf.broadcast_to([4.0, -8.0], offsets.shape))


def test_true_centers_change_nothing():
    model = make_model()
    expected, found = model(IMAGES), model(IMAGES, centers={})
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_backbone_that_ends_at_stride_16_has_the_paper_s_decoders():
    model = PanopticDeepLab(3, mobilenet(output_stride=16), aspp_width=8)
    outputs = model(IMAGES)
    assert outputs[types.SEMANTIC_LOGITS].shape == (2, 16, 24, 3)
    shapes = {w.name: tuple(w.shape) for w in model.weights}
    [unit] = [s for n, s in shapes.items() if "semantic_decoder/unit_3/depthwise/depthwise" in n]
    assert unit == (5, 5, 8 + 64, 1)
    [unit] = [s for n, s in shapes.items() if "instance_decoder/unit_2/depthwise/depthwise" in n]
    assert unit == (5, 5, 128 + 16, 1)


def test_a_decoder_adds_detail_of_every_lateral_level():
    decoder = DeepLabDecoder(5, 8, (1,), lateral_levels=(3, 2), lateral_widths=(4, 4), width=8)
    features = {k: tf.random.stateless_normal([1, 64 >> k, 64 >> k, 6], [k, 0]) for k in (2, 3, 5)}
    before = decoder(features)
    assert before.shape == (1, 16, 16, 8)
    for level in features:
        changed = decoder(features | {level: -features[level]})
        assert not np.allclose(changed, before, atol=1e-4), level


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lateral_levels": (3, 4, 2)}, "lateral_levels = .*from coarse to fine"),
        ({"lateral_levels": (5, 4, 3)}, "lateral_levels = .*end at 2"),
        ({"lateral_levels": ()}, "lateral_levels = "),
        ({"lateral_levels": 2}, "lateral_levels = "),
        ({"lateral_levels": (5, 3, 2)}, "lateral_levels = .*level = 5 must be coarser"),
        ({"semantic_laterals": (4, 4)}, r"semantic_laterals = \(4, 4\): found 2 widths"),
        ({"instance_laterals": (4, 4, 0)}, "instance_laterals"),
        ({"semantic_width": 0}, "semantic_width = 0"),
        ({"level": "5"}, "level = '5'"),
        ({"kernel_size": 2.5}, "kernel_size = 2.5"),
    ],
)
def test_a_wrong_setting_is_refused(settings, message):
    with pytest.raises(UserError, match=f"PanopticDeepLab.{message}"):
        make_model(**settings)


def test_a_level_that_the_backbone_lacks_is_refused():
    model = PanopticDeepLab(3, mobilenet(output_stride=16), level=5, aspp_width=8)
    with pytest.raises(UserError, match="level 5"):
        model(IMAGES)


def test_a_size_that_is_no_multiple_of_32_is_refused():
    with pytest.raises(UserError, match="60x96; expected heights and widths that are multiples"):
        make_model()(IMAGES[:, :60])
