"""Each part of the paper's models computes what the paper says, with the settings of its Gin file.

Counts of parameters and multiply-adds do not see activations. These tests build the paper's models
with few channels, give them random weights and compare each part with `reference_parts`.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.config.named_models import build_model, find_models
from tests.golden import reference_parts as reference
from tests.golden.reference_parts import gelu, relu, under, weights_of
from tests.unit.layers.check_layer import shake

IMAGES = tf.cast(tf.random.stateless_uniform([2, 64, 96, 3], [1, 2], 0, 256, tf.int32), tf.uint8)
CLASS_IDS = np.array([[0, 2, 4], [1, 1, 3]])
DECODER = ("ConvNeXtUNet.repeats=(2, 1, 1)", "ConvNeXtUNet.widths=(10, 8, 6)")
PYRAMID = ("LightFPN.width=7",)
HEADS = ("MaskConver.width=6", "MaskConver.hidden=9", "MaskConver.head_repeats=2")
RESNET = ("resnet.depth=10", "resnet.width_multiplier=0.125")
MOBILENET = ("mobilenet.width_multiplier=0.25",)
UNUSED = tf.identity


def build(name: str, *bindings: str):
    tf_keras.utils.set_random_seed(5)
    [file] = find_models([name])
    model, _ = build_model(file, 5, (*bindings, *HEADS))
    model(IMAGES)
    shake(model)
    return model


@pytest.fixture(scope="module")
def large():
    return build("resnet50", *RESNET, *DECODER, *PYRAMID)


@pytest.fixture(scope="module")
def mobile():
    return build("mobilenet_mh_640", *MOBILENET, *DECODER, *PYRAMID)


@pytest.fixture(scope="module")
def released():
    return build("mobilenet_mh_released", *MOBILENET, "ASPP.width=6")


def features(levels, widths, seed=0):
    sizes = {2: (16, 24), 3: (8, 12), 4: (4, 6), 5: (2, 3), 6: (3, 5)}
    rng = np.random.default_rng(seed)
    return {
        k: rng.normal(size=(2, *sizes[k], d)).astype(np.float32) for k, d in zip(levels, widths)
    }


def as_tensors(levels):
    return {level: tf.constant(x) for level, x in levels.items()}


def assert_levels_equal(found, expected):
    assert sorted(found) == sorted(expected)
    for level, x in expected.items():
        np.testing.assert_allclose(found[level], x, atol=2e-5 * np.abs(x).max(), err_msg=str(level))


# ---- The large model -----------------------------------------------------------------------------
def test_the_large_block_squeezes_with_gelu(large):
    block = large.pixel_decoder.stacks["5"][0]
    x = features([5], [10])[5]
    found = block(tf.constant(x))
    w = weights_of(block)
    np.testing.assert_allclose(found, reference.convnext_block(x, w, gelu), atol=1e-5)
    assert np.abs(found - reference.convnext_block(x, w, relu)).max() > 1e-4


def test_each_level_of_the_large_decoder_ends_with_one_gelu(large):
    given = features((3, 4, 5), (16, 32, 64))
    w = weights_of(large.pixel_decoder)
    found = large.pixel_decoder(as_tensors(given))
    assert_levels_equal(found, reference.decoder(given, w, (2, 1, 1), gelu, gelu))
    plain = reference.decoder(given, w, (2, 1, 1), gelu, lambda x: x)
    # The next level starts from the level above after its GELU, so a GELU at the end is too late.
    late = {level: gelu(x) for level, x in plain.items()}
    assert np.abs(found[5] - late[5]).max() < 1e-4
    assert np.abs(found[3] - late[3]).max() > 1e-2


def test_a_gelu_stands_between_levels_6_and_7_of_the_large_pyramid_alone(large):
    given = features((3, 4, 5), (6, 8, 10)) | {5: features([6], [10])[6]}  # Level 6: 2x3 cells.
    given |= {4: np.repeat(np.repeat(given[4], 2, 1), 2, 2)[:, :6, :10]}
    given |= {3: np.repeat(np.repeat(given[3], 2, 1), 2, 2)[:, :12, :20]}
    w = weights_of(large.pyramid)
    found = large.pyramid(as_tensors(given))
    assert_levels_equal(found, reference.pyramid(given, w, (6, 7), gelu))
    without = reference.pyramid(given, w, (6, 7), lambda x: x)
    assert np.abs(found[7] - without[7]).max() > 1e-2


def test_the_large_heads_activate_with_gelu(large):
    given = features((3, 4, 2), (7, 7, 7))
    for name in ("center_heatmap_head", "center_embedding_head"):
        part = getattr(large, name)
        for level in (3, 4):
            expected = reference.head(given[level], weights_of(part), level, 2, gelu)
            np.testing.assert_allclose(part(given[level], level=level), expected, atol=1e-5)
    part = large.mask_feature_head
    expected = reference.head(given[2], weights_of(part), 2, 2, gelu)
    np.testing.assert_allclose(part(given[2], level=2), expected, atol=1e-5)


def test_the_large_mask_embedding_generator_has_a_layer_norm_and_gelu(large):
    check_generator(large, gelu)


def test_the_large_backbone_activates_with_gelu(large):
    """GELU is never under -0.17 and often below 0; ReLU is never below 0, and swish under -0.17."""
    for level, x in large.backbone(IMAGES).items():
        assert -0.1701 < float(tf.reduce_min(x)) < -0.1, level


# ---- The mobile models ---------------------------------------------------------------------------
def test_the_mobile_decoder_and_pyramid_have_relu_in_the_gate_and_no_more(mobile):
    widths = {k: x.shape[-1] for k, x in mobile.backbone(IMAGES).items()}
    given = features((3, 4, 5), [widths[level] for level in (3, 4, 5)])
    w = weights_of(mobile.pixel_decoder)
    decoded = reference.decoder(given, w, (2, 1, 1), relu, lambda x: x)
    assert_levels_equal(mobile.pixel_decoder(as_tensors(given)), decoded)
    decoded = {level: x.astype(np.float32) for level, x in decoded.items()}
    expected = reference.pyramid(decoded, weights_of(mobile.pyramid), (), UNUSED)
    assert_levels_equal(mobile.pyramid(as_tensors(decoded)), expected)


def test_the_mobile_heads_have_batch_norms_and_relu(mobile):
    given = features((3, 2), (7, 7))
    for name, level in (("center_heatmap_head", 3), ("mask_feature_head", 2)):
        w = weights_of(getattr(mobile, name))
        assert "moving_mean" in under(w, f"units/0/spatial_norms/{level}")
        expected = reference.head(given[level], w, level, 2, relu)
        found = getattr(mobile, name)(given[level], level=level)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_mobile_mask_embedding_generator_has_a_layer_norm_and_relu(mobile):
    check_generator(mobile, relu)


def test_the_released_heads_fuse_and_activate_with_relu(released):
    head = released.center_heatmap_head
    fine, coarse = features((3, 4), (16, 6)).values()
    w = weights_of(head)
    detail = fine[..., : w["fusion/project/kernel"].shape[2]]
    flat = np.ones_like(coarse) * np.arange(6, dtype=np.float32)  # Resizes to itself.
    projected = detail @ w["fusion/project/kernel"][0, 0]
    fused = np.arange(6) + relu(reference.norm(projected, under(w, "fusion/norm")))
    expected = reference.head(fused, w, 3, 2, relu)
    np.testing.assert_allclose(head(flat, level=3, finer=detail), expected, atol=1e-5)


def check_generator(model, activation):
    generator = model.mask_embedding_generator
    w = weights_of(generator)
    assert "norm/moving_mean" not in w
    given = np.random.default_rng(1).normal(size=(2, 3, 6)).astype(np.float32)
    expected = reference.mask_embeddings(given, CLASS_IDS, w, activation)
    np.testing.assert_allclose(generator(given, tf.constant(CLASS_IDS)), expected, atol=1e-5)
