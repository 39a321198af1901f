import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.backbone import Backbone
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.backbones.resnet import resnet
from tests.unit.layers.check_layer import assert_close, check_layer

IMAGES = tf.cast(tf.random.stateless_uniform([2, 96, 160, 3], [1, 2], 0, 256, tf.int32), tf.uint8)


def shapes(*channels):
    sizes = [(24, 40), (12, 20), (6, 10), (3, 5)]
    return {level: (2, *size, c) for level, size, c in zip(range(2, 6), sizes, channels)}


def tiny_resnet(**kwargs):
    return resnet(10, width_multiplier=1 / 16, **kwargs)


def tiny_mobilenet(**kwargs):
    return mobilenet("MobileNetMultiAVGSeg", width_multiplier=0.25, **kwargs)


def identity_backbone(**kwargs):
    """A backbone whose network returns its input under four keys."""
    pixels = tf_keras.Input([None, None, 3])
    network = tf_keras.Model(pixels, {key: pixels + i for i, key in enumerate("abcd")})
    return Backbone(network, keys=list("abcd"), **kwargs)


def test_a_resnet_is_a_layer():
    check_layer(tiny_resnet, IMAGES, shapes(4, 8, 16, 32), bfloat16_error=0.06)


def test_a_mobilenet_gives_the_levels_of_a_cut_network_that_can_be_restored():
    backbone = tiny_mobilenet()
    features = backbone(IMAGES)
    expected = shapes(8, 16, 40, 112)
    assert {level: tuple(x.shape) for level, x in features.items()} == expected
    restored = Backbone.from_config(json.loads(json.dumps(backbone.get_config())))
    restored.set_weights(backbone.get_weights())
    assert_close(restored(IMAGES), features)


def test_a_mobilenet_that_stops_at_stride_16_ends_there_with_its_widest_level():
    backbone = tiny_mobilenet(output_stride=16)
    features = backbone(IMAGES)
    expected = {2: (2, 24, 40, 8), 3: (2, 12, 20, 16), 4: (2, 6, 10, 112)}
    assert {level: tuple(x.shape) for level, x in features.items()} == expected
    assert backbone.count_params() == sum(np.prod(w.shape) for w in tiny_mobilenet().weights)
    with pytest.raises(
        UserError, match=r"mobilenet.output_stride = 8 \(a whole number\): expected 16 or 32"
    ):
        tiny_mobilenet(output_stride=8)


def test_normalises_pixels_by_imagenet_s_statistics():
    black_gray_white = tf.constant([[[[0, 0, 0], [124, 116, 104], [255, 255, 255]]]], tf.uint8)
    expected = [
        [-2.117904, -2.035714, -1.804444],
        [0.005566, -0.004902, 0.008192],
        [2.248908, 2.428571, 2.64],
    ]
    features = identity_backbone()(black_gray_white)
    assert features[2].dtype == tf.float32
    for level in range(2, 6):
        np.testing.assert_allclose(features[level][0, 0], np.add(expected, level - 2), atol=1e-5)
    as_float = identity_backbone()(tf.cast(black_gray_white, tf.float32))
    np.testing.assert_array_equal(as_float[2], features[2])


def test_takes_other_statistics_for_other_networks():
    features = identity_backbone(mean=[127.5] * 3, std=[127.5] * 3)(IMAGES)
    assert features[2].numpy().min() == -1
    assert features[2].numpy().max() == 1


@pytest.mark.parametrize("make", [tiny_resnet, tiny_mobilenet])
def test_frozen_batch_norms_keep_statistics_scale_and_offset(make):
    backbone = make(freeze_batch_norm=True)
    statistics = [w.numpy() for w in backbone.non_trainable_weights]
    in_training = backbone(IMAGES, training=True)
    for before, after in zip(statistics, backbone.non_trainable_weights):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_allclose(in_training[5], backbone(IMAGES, training=False)[5], atol=1e-6)
    norm_weights = ("gamma", "beta", "moving_mean", "moving_variance")
    trainable = {w.name.split("/")[-1].split(":")[0] for w in backbone.trainable_weights}
    assert trainable
    assert trainable.isdisjoint(norm_weights)


@pytest.mark.parametrize(
    "norm",
    [
        lambda: tf_keras.layers.BatchNormalization(synchronized=True),
        tf_keras.layers.experimental.SyncBatchNormalization,
    ],
    ids=["synchronized", "experimental"],
)
def test_batch_norms_of_every_class_freeze(norm):
    image = tf_keras.Input([None, None, 3])
    network = tf_keras.Model(image, dict.fromkeys(("2", "3", "4", "5"), norm()(image)))
    backbone = Backbone(network, freeze_batch_norm=True)
    backbone(IMAGES, training=True)
    assert backbone.trainable_weights == []
    for weight, expected in zip(backbone.weights, (1, 0, 0, 1), strict=True):
        np.testing.assert_array_equal(weight, [expected] * 3)


def test_batch_norms_learn_statistics_unless_frozen():
    backbone = tiny_resnet()
    statistics = [w.numpy() for w in backbone.non_trainable_weights]
    backbone(IMAGES, training=True)
    changed = [np.abs(a - b).max() > 0 for a, b in zip(statistics, backbone.non_trainable_weights)]
    assert all(changed)


def test_a_restored_backbone_is_as_frozen_as_the_first():
    config = tiny_resnet(freeze_batch_norm=True).get_config()
    assert len(Backbone.from_config(config).trainable_weights) == 13  # Kernels alone.


def test_settings_reach_the_network():
    assert len(resnet(18, width_multiplier=1 / 16).network.trainable_weights) == 63
    stem = [w.shape for w in resnet(10, stem="v1").network.weights if w.shape.rank == 4][:3]
    assert [s[:2] for s in stem] == [(3, 3)] * 3


def drop_rates(backbone) -> list[float]:
    return [
        block.get_config()["stochastic_depth_drop_rate"]
        for block in backbone.network.layers
        if type(block).__name__ == "ResidualBlock"
    ]


def test_a_resnet_drops_each_stage_at_its_own_rate():
    blocks = drop_rates(tiny_resnet(stochastic_depth=0.2))
    assert blocks == pytest.approx([0.2 * i / 5 for i in (2, 3, 4, 5)])
    blocks = drop_rates(tiny_resnet(drop_path=0.4))
    assert blocks == pytest.approx([0.1, 0.15, 0.2, 0.25])
    assert drop_rates(tiny_resnet()) == [0] * 4
    with pytest.raises(UserError, match="resnet.stochastic_depth = 0.2 and resnet.drop_path = 0.4"):
        tiny_resnet(stochastic_depth=0.2, drop_path=0.4)


def test_a_resnet_activates_as_asked():
    for level in range(2, 6):
        relu, gelu = (
            float(tf.reduce_min(tiny_resnet(activation=kind)(IMAGES)[level]))
            for kind in ("relu", "gelu")
        )
        assert relu == 0, level
        assert -0.1701 < gelu < -0.05, level
    with pytest.raises(UserError, match="resnet.activation = 'tanh'"):
        tiny_resnet(activation="tanh")


def test_weights_that_were_trained_with_relu_keep_it():
    with pytest.raises(UserError, match=r"resnet.activation = 'gelu', but .*set .* = 'relu'"):
        tiny_resnet(activation="gelu", weights="anywhere/ckpt")


def test_unknown_networks_are_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"resnet.depth = 42.*\b18\b.*\b50\b"):
        resnet(42)
    with pytest.raises(UserError, match="mobilenet.variant = 'MobileNetX'.*MobileNetMultiAVGSeg"):
        mobilenet("MobileNetX")
