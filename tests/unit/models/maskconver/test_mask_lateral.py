"""The backbone's finest feature in the mask features, and mask grids of other strides."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories, Category
from maskconver_tf.errors import UserError
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.planning.complexity import count_complexity
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.layers.check_layer import assert_close, check_gradients, shake
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, apply, make_model


def make(**settings):
    model = make_model(mask_lateral=True, **settings)
    model(IMAGES)
    shake(model)
    return model


def upscaled(x, factor):
    return x.repeat(factor, axis=1).repeat(factor, axis=2)


@pytest.mark.parametrize(("mask_level", "lateral_level"), [(1, 2), (2, 2), (3, 3)])
def test_the_sum_of_levels_gets_the_finest_feature_that_the_grid_can_hold(
    mask_level, lateral_level
):
    model = make(mask_level=mask_level)
    features = model.backbone(IMAGES)
    levels = model.pyramid(model.pixel_decoder(features))
    height, width = 96 // 2**lateral_level, 160 // 2**lateral_level
    summed = sum(
        upscaled(x.numpy(), 2 ** (level - lateral_level))[:, :height, :width]
        for level, x in levels.items()
    )
    feature = features[lateral_level].numpy()
    x = feature @ model.mask_lateral.project.kernel.numpy()[0, 0]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    x = x * model.mask_lateral.norm.gamma.numpy() + model.mask_lateral.norm.beta.numpy()
    summed = upscaled(summed + x, 2 ** (lateral_level - mask_level))
    expected = model.mask_feature_head(summed, level=mask_level)
    found = model(IMAGES)[types.MASK_FEATURES]
    assert found.shape == (2, 96 // 2**mask_level, 160 // 2**mask_level, 8)
    assert_close(found, expected, 1e-4)


@pytest.mark.parametrize("mask_level", [1, 2])
def test_gradients_reach_every_weight_and_compile(mask_level):
    model = make_model(mask_lateral=True, mask_level=mask_level)
    check_gradients(model, (IMAGES, CENTERS), apply)

    @tf.function(jit_compile=True)
    def gradient():
        with tf.GradientTape() as tape:
            logits = apply(model, (IMAGES, CENTERS), True)[types.MASK_LOGITS]
            loss = tf.reduce_mean(tf.square(logits - 1.0))
        return tape.gradient(loss, model.mask_lateral.trainable_weights)

    assert all(np.isfinite(x).all() and np.abs(x).max() > 0 for x in gradient())


def test_only_the_lateral_is_new_and_it_is_counted():
    plain, lateral = make_model(), make_model(mask_lateral=True)
    counts = []
    for model in (plain, lateral):
        model(IMAGES)
        counts.append(count_complexity(model, (96, 160)))
    before, after = counts
    channels = lateral.backbone(IMAGES)[2].shape[-1]
    new = {"mask_lateral": channels * 8 + 2 * 8}
    assert after.parameters == before.parameters | new
    costs = {"mask_lateral": 24 * 40 * channels * 8}
    assert after.by_part() == before.by_part() | costs


@pytest.mark.parametrize("mask_level", [1, 2])
def test_a_picture_of_any_size_gets_its_segments(mask_level):
    model = make(mask_level=mask_level, center_levels=(3, 4, 5, 6, 7))
    categories = Categories([Category(i + 1, f"class {i}", i > 0) for i in range(3)])
    fusion = PanopticFusion(score_threshold=0.0, min_area=0)
    segmenter = PanopticSegmenter(model, fusion, categories, (96, 160))
    found = segmenter.segment(tf.cast(IMAGES[0, :71, :133], tf.uint8))
    assert found[types.PANOPTIC_MAP].shape == (71, 133)
    ids = set(np.unique(found[types.PANOPTIC_MAP])) - {types.VOID_SEGMENT_ID}
    assert ids and ids == set(found[types.SEGMENT_IDS].numpy())


def test_restores_and_is_refused_where_heads_take_the_feature_already():
    config = make_model(mask_lateral=True).get_config()
    assert MaskConver.from_config(config).get_config()["mask_lateral"] is True
    settings = {"pyramid": None, "fuse_level": 2, "center_levels": (2,), "mask_level": 2}
    with pytest.raises(UserError, match="fuse_level = 2 and mask_lateral = True exclude each"):
        make_model(mask_lateral=True, **settings)
    with pytest.raises(UserError, match="^MaskConver.mask_lateral = 'on' .*: expected True or"):
        make_model(mask_lateral="on")
    with pytest.raises(UserError, match="^MaskConver.mask_lateral asks for level 6, but the back"):
        make_model(mask_lateral=True, mask_level=6)(IMAGES)
