"""The released mobile form of MaskConver, in which each head fuses a finer feature."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.pixel_decoders.aspp import ASPP
from tests.unit.layers.check_layer import check_layer
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, apply, make_model


def make_released(**settings):
    """The released mobile form: stride 16 backbone, ASPP, heads that fuse level 3."""
    parts = {
        "backbone": mobilenet(width_multiplier=0.25, output_stride=16),
        "pixel_decoder": ASPP(width=8, rates=(1, 2)),
        "pyramid": None,
        "center_levels": (3,),
        "mask_level": 3,
        "fuse_level": 3,
    }
    return make_model(**parts | settings)


RELEASED_CENTERS = CENTERS | {types.CENTER_LEVELS: tf.constant([[3] * 5 + [-1], [3] * 6])}


def test_the_released_mobile_form_is_a_layer():
    check_layer(
        make_released,
        (IMAGES, RELEASED_CENTERS),
        {types.CENTER_HEATMAP_LOGITS: {3: (2, 12, 20, 3)}, types.MASK_LOGITS: (2, 12, 20, 6)},
        apply,
        bfloat16_output="float32",
        bfloat16_error=0.1,
    )


def test_each_head_of_the_released_form_fuses_the_backbone_s_level_by_itself():
    model = make_released()
    before = model(IMAGES, centers=RELEASED_CENTERS)
    fusion = model.center_heatmap_head.fusion
    fusion.project.kernel.assign(-fusion.project.kernel)
    after = model(IMAGES, centers=RELEASED_CENTERS)
    heatmaps = [outputs[types.CENTER_HEATMAP_LOGITS][3] for outputs in (before, after)]
    assert np.abs(heatmaps[1] - heatmaps[0]).max() > 0
    np.testing.assert_array_equal(after[types.MASK_LOGITS], before[types.MASK_LOGITS])


def test_a_fused_level_is_the_only_one():
    with pytest.raises(
        UserError, match=r"fuse_level = 3.*center_levels = \(3, 4\).*mask_level = 2"
    ):
        make_model(center_levels=(3, 4), fuse_level=3)
