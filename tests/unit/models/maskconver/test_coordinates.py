"""Heads of embeddings and mask features that see where a cell is."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.planning.complexity import count_complexity
from tests.unit.layers.check_layer import assert_close, check_gradients, shake
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, apply, make_model


def test_two_heads_see_the_place_of_each_cell():
    model = make_model(coordinates=True)
    model(IMAGES)
    shake(model)
    levels = model.pyramid(model.pixel_decoder(model.backbone(IMAGES)))
    level_5 = levels[5].numpy()  # [2, 3, 5, 8]
    y = np.broadcast_to(np.array([-2 / 3, 0, 2 / 3])[:, np.newaxis, np.newaxis], (2, 3, 5, 1))
    x = np.broadcast_to(np.array([-0.8, -0.4, 0, 0.4, 0.8])[:, np.newaxis], (2, 3, 5, 1))
    seen = np.concatenate([level_5, y, x], axis=-1).astype(np.float32)
    head = model.center_embedding_head
    expected = head.output_conv(head.units[0](seen, level=5))
    assert_close(model.compute_heads(IMAGES).embeddings[5], expected, 1e-5)


def test_the_place_tells_equal_cells_apart():
    for coordinates in (False, True):
        model = make_model(coordinates=coordinates)
        model(IMAGES)
        shake(model)
        features = model.mask_feature_head(tf.ones([1, 24, 40, 8]), level=2).numpy()
        inner = features[0, 1:-1, 1:-1].reshape(-1, 8)  # Without the zeros beyond the border.
        assert (len(np.unique(inner.round(5), axis=0)) > 1) == coordinates


def test_gradients_reach_every_weight_and_compile():
    model = make_model(coordinates=True, position=True)
    check_gradients(model, (IMAGES, CENTERS), apply)
    expected = apply(model, (IMAGES, CENTERS), True)[types.MASK_LOGITS]
    compiled = tf.function(lambda: apply(model, (IMAGES, CENTERS), True), jit_compile=True)
    assert_close(compiled()[types.MASK_LOGITS], expected, 1e-3)


def test_the_weights_of_two_channels_in_two_heads_are_new():
    counts = []
    for coordinates in (False, True):
        model = make_model(coordinates=coordinates)
        model(IMAGES)
        counts.append(count_complexity(model, (96, 160)).parameters)
    before, after = counts
    new = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    per_level = 2 * 2  # Scale and shift of the norm of two channels.
    kernels = 2 * 3 * 3 + 2 * 8
    assert new == {
        "center_embedding_head": kernels + 5 * per_level,
        "mask_feature_head": kernels + per_level,
    }


def test_restores_and_refuses_other_values():
    config = make_model(coordinates=True).get_config()
    assert MaskConver.from_config(config).get_config()["coordinates"] is True
    old = {name: value for name, value in config.items() if name != "coordinates"}
    assert MaskConver.from_config(old).get_config()["coordinates"] is False
    with pytest.raises(UserError, match="^MaskConver.coordinates = 'on' .*: expected True or"):
        make_model(coordinates="on")
