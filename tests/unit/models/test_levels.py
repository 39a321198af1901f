"""Every combination of levels, widths and strides builds a model or ends with one message."""

from __future__ import annotations

import random

import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.backbone import Backbone
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.aspp import ASPP
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN
from maskconver_tf.models.semantic_model import SemanticModel

NUM_COMBINATIONS = 200


def make_backbone(levels: tuple[int, ...] = (2, 3, 4, 5)) -> Backbone:
    """A backbone of poolings, whose levels have different widths."""
    pixels = tf_keras.Input([None, None, 3])
    outputs = {}
    for level in levels:
        pooled = tf_keras.layers.AveragePooling2D(2**level, padding="same")(pixels)
        outputs[str(level)] = tf_keras.layers.Conv2D(level, 1)(pooled)
    return Backbone(tf_keras.Model(pixels, outputs), keys=[str(level) for level in levels])


def make_unet(repeats, widths) -> ConvNeXtUNet:
    return ConvNeXtUNet(repeats, widths, kernel_size=3, se_ratio=0)


def make_maskconver(pixel_decoder, backbone_levels=(2, 3, 4, 5), **settings) -> MaskConver:
    small = {"width": 4, "head_repeats": 1, "head_kernel_size": 3, "hidden": 4, "num_proposals": 5}
    settings = small | {"center_levels": (3, 4, 5)} | settings
    return MaskConver(2, make_backbone(backbone_levels), pixel_decoder, **settings)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: make_maskconver(make_unet((1, 1, 1, 1), (96, 64, 48, 48))),
            r"MaskConver: the levels .* have the widths \{2: 48, 3: 48, 4: 64, 5: 96\}.*"
            r"ConvNeXtUNet.widths .*MaskConver.pyramid = @LightFPN",
        ),
        (
            lambda: SemanticModel(2, make_backbone(), make_unet((1, 1), (8, 4)), width=4),
            r"SemanticModel: the levels .* have the widths \{4: 4, 5: 8\}",
        ),
        (
            lambda: make_maskconver(ASPP(3, 4, (2,)), center_levels=(3,), mask_level=4),
            r"MaskConver.mask_level = 4: the coarsest level of the pixel decoder is 3",
        ),
        (
            lambda: make_maskconver(ASPP(5, 4, (2,)), (2, 3, 4)),
            r"ASPP.level asks for level 5, but the backbone has the levels \[2, 3, 4\]",
        ),
        (
            lambda: make_maskconver(make_unet((1, 1), (4, 4)), (2, 3, 4)),
            r"ConvNeXtUNet.repeats asks for level 5, but the backbone has",
        ),
        (
            lambda: make_maskconver(
                ASPP(4, 4, (2,)), (2, 3, 4), center_levels=(1,), mask_level=1, fuse_level=1
            ),
            r"MaskConver.fuse_level asks for level 1, but the backbone has",
        ),
        (
            lambda: make_maskconver(make_unet((1, 1), (4, 4)), center_levels=(3, 3)),
            r"MaskConver.center_levels = \(3, 3\) \(a tuple\): expected different whole numbers",
        ),
        (
            lambda: make_maskconver(make_unet((1, 1), (4, 4)), center_levels=3),
            r"MaskConver.center_levels = 3 \(a whole number\): expected different whole numbers",
        ),
        (
            lambda: make_maskconver(make_unet((1, 1), (4, 4)), mask_level=2.0),
            r"MaskConver.mask_level = 2.0 \(a number with a decimal point\): expected a whole",
        ),
        (lambda: make_unet(3, (4, 4)), r"ConvNeXtUNet.repeats = 3 \(a whole number\): expected"),
        (lambda: make_unet((1,), (0,)), r"ConvNeXtUNet.widths: entry 1 of \(0,\) is 0 \(a whole"),
        (
            lambda: LightFPN(4, max_level="7"),
            r"LightFPN.max_level = '7' \(text\): expected a whole",
        ),
    ],
)
def test_a_shape_that_no_model_can_have_is_one_message(make, message):
    with pytest.raises(UserError, match=message):
        build_network(make(), (64, 96))


def random_model(draw: random.Random) -> tf_keras.Model:
    """A model with settings that Gin could ask for, sensible or not."""
    if draw.random() < 0.7:
        count = draw.randint(1, 4)
        widths = [draw.choice([4, 8])] * count
        if draw.random() < 0.2:
            widths = [draw.choice([4, 8]) for _ in range(count)]
        decoder = make_unet([draw.randint(0, 1)] * draw.choice([count] * 9 + [1]), widths)
    else:
        decoder = ASPP(draw.randint(1, 6), 4, (2,))
    pyramid = draw.choice([None, None, lambda: LightFPN(4, draw.randint(2, 9), 3)])
    settings = {
        "pyramid": pyramid and pyramid(),
        "mask_level": draw.choice([2, 2, 2, 3, *range(7)]),
    }
    levels = draw.choice([(2, 3, 4, 5)] * 4 + [(2, 3, 4)])
    if draw.random() < 0.2:
        return SemanticModel(
            2,
            make_backbone(levels),
            decoder,
            width=4,
            head_repeats=1,
            head_kernel_size=3,
            **settings,
        )
    center_levels = draw.sample(range(1, 9), draw.randint(1, 4))
    if draw.random() < 0.7:
        center_levels = draw.choice([(3, 4, 5), (4, 5), (5,), (5,), (4,), (3, 4, 5, 6, 7)])
    if draw.random() < 0.2:
        settings["fuse_level"] = draw.randint(1, 5)
        if draw.random() < 0.7:
            center_levels = [settings["fuse_level"]]
            settings["mask_level"] = settings["fuse_level"]
    return make_maskconver(decoder, levels, center_levels=center_levels, **settings)


def test_any_combination_builds_or_is_one_message():
    draw, num_built = random.Random(0), 0
    for number in range(NUM_COMBINATIONS):
        try:
            model = build_network(random_model(draw), (64, 96))
        except UserError as error:
            assert "\n" not in str(error), number
            continue
        num_built += 1
        outputs = model(tf.zeros([1, 64, 96, 3], tf.uint8))
        if isinstance(model, MaskConver):
            stride = 2**model.mask_level
            found = outputs["mask_features"].shape[1:3]
            assert found == (-(-64 // stride), -(-96 // stride)), number
    assert NUM_COMBINATIONS // 5 < num_built < NUM_COMBINATIONS - NUM_COMBINATIONS // 5
