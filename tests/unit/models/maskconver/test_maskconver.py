"""The forms and settings of MaskConver: levels, sizes, parts and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from tests.unit.layers.check_layer import check_gradients, check_layer
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, LEVEL_SIZES, apply, make_model


def test_is_a_layer():
    check_layer(
        make_model,
        (IMAGES, CENTERS),
        {
            types.CENTER_HEATMAP_LOGITS: {k: (2, *size, 3) for k, size in LEVEL_SIZES.items()},
            types.MASK_LOGITS: (2, 24, 40, 6),
        },
        apply,
        bfloat16_output="float32",
        bfloat16_error=0.06,
    )


def test_gradients_reach_every_weight_with_a_mobilenet_and_without_a_pyramid():
    model = make_model(
        backbone=mobilenet("MobileNetMultiAVGSeg", width_multiplier=0.25),
        pixel_decoder=ConvNeXtUNet([1, 1, 1], [16, 16, 16], 3, se_ratio=1 / 2, norm="batch"),
        pyramid=None,
        center_levels=(3, 4, 5),
        norm="batch",
    )
    centers = CENTERS | {
        types.CENTER_LEVELS: tf.constant([[3, 4, 5, 5, 5, -1], [5, 3, 3, -1, 4, 4]]),
        types.CENTER_INDICES: CENTERS[types.CENTER_INDICES] % 3,
    }
    check_gradients(model, (IMAGES, centers), apply)


def test_centers_on_a_level_that_is_not_there_are_refused():
    model = make_model(pyramid=None, center_levels=(4, 5, 6))
    words = r"^MaskConver.center_levels = .*decoder gives levels \[3, 4, 5\], not \[6\].*LightFPN"
    with pytest.raises(UserError, match=words):
        model(IMAGES)


@pytest.mark.parametrize("size", [(96, 100), (33, 64), (0, 32)])
def test_a_size_that_is_no_multiple_of_32_is_refused_with_the_way_out(model, size):
    with pytest.raises(UserError, match=f"^images are {size[0]}x{size[1]}; .*multiples of 32.*pad"):
        model(tf.zeros([1, *size, 3], tf.uint8))


def test_a_single_scale_has_all_centers_on_its_level():
    single = make_model(center_levels=(4,))
    outputs = single(IMAGES)
    assert {k: x.shape for k, x in outputs[types.CENTER_HEATMAP_LOGITS].items()} == {
        4: (2, 6, 10, 3)
    }
    names = [weight.name for weight in single.center_heatmap_head.weights if "norm" in weight.name]
    assert names and all("norm_4" in name for name in names)


def test_restores_with_every_setting():
    settings = {
        "center_levels": [5, 4],
        "mask_level": 3,
        "class_embedding": "multiply",
        "norm": "batch",
        "head_repeats": 2,
        "head_kernel_size": 5,
        "num_proposals": 7,
        "hidden": 12,
        "width": 8,
    }
    restored = MaskConver.from_config(make_model(pyramid=None, **settings).get_config())
    config = restored.get_config()
    assert {name: config[name] for name in settings} == settings
    outputs = restored(IMAGES[:1])
    assert sorted(outputs[types.CENTER_HEATMAP_LOGITS]) == [4, 5]
    assert outputs[types.MASK_FEATURES].shape == (1, 12, 20, 8)
    assert outputs[types.PROPOSAL_SCORES].shape == (1, 7)
    assert restored.num_classes == 3


@pytest.mark.parametrize("size", [(32, 32), (64, 224), (160, 96), (800, 1216)])
def test_takes_every_multiple_of_32(model, size):
    outputs = model(tf.zeros([1, *size, 3], tf.uint8))
    for level, logits in outputs[types.CENTER_HEATMAP_LOGITS].items():
        assert logits.shape == (1, -(-size[0] // 2**level), -(-size[1] // 2**level), 3)
    assert outputs[types.MASK_FEATURES].shape == (1, size[0] // 4, size[1] // 4, 8)
    assert outputs[types.PROPOSAL_SCORES].shape == (1, 24)


def test_every_cell_starts_with_a_score_of_a_hundredth():
    outputs = make_model(width=32)(IMAGES)
    for logits in outputs[types.CENTER_HEATMAP_LOGITS].values():
        np.testing.assert_allclose(tf.sigmoid(logits), 0.01, atol=0.005)
