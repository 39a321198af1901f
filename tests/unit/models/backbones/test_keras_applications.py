import json
import urllib.error

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones import keras_applications
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.backbones.keras_applications import APPLICATIONS, keras_application
from tests.unit.layers.check_layer import assert_close, check_gradients, shake

IMAGES = tf.cast(tf.random.stateless_uniform([2, 32, 64, 3], [1, 2], 0, 256, tf.int32), tf.uint8)

CHANNELS = {
    "ConvNeXtTiny": (96, 192, 384, 768),
    "MobileNetV3Large": (24, 40, 112, 960),
    "EfficientNetV2B0": (32, 48, 112, 1280),
}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_file_of_keras_gives_what_keras_own_network_computes(name, tmp_path):
    """With Keras' own preprocessing layers on one side and `Backbone`'s on the other."""
    own = APPLICATIONS[name].build(include_top=False, weights=None)
    shake(own, scale=0.1)
    file = str(tmp_path / "weights_notop.h5")
    own.save_weights(file)
    backbone = keras_application(name, weights=file)
    features = backbone(IMAGES)
    sizes = [(8, 16), (4, 8), (2, 4), (1, 2)]
    expected = {k: (2, *size, c) for k, size, c in zip(range(2, 6), sizes, CHANNELS[name])}
    assert {k: tuple(x.shape) for k, x in features.items()} == expected
    assert_close(features[5], own(tf.cast(IMAGES, tf.float32)), 1e-4)
    assert len(backbone.weights) == len(own.weights)

    stored = json.loads(json.dumps(tf_keras.utils.serialize_keras_object(backbone)))
    restored = tf_keras.utils.deserialize_keras_object(stored)
    restored.set_weights(backbone.get_weights())
    assert_close(restored(IMAGES), features)


def test_no_convolution_of_convnext_is_grouped_and_every_weight_learns():
    backbone = keras_application("ConvNeXtTiny")
    layers = backbone.network.submodules
    assert {getattr(layer, "groups", 1) for layer in layers} == {1}
    assert sum(isinstance(layer, tf_keras.layers.DepthwiseConv2D) for layer in layers) == 18
    shake(backbone)  # Layer scales start at 1e-6, which leaves no gradient to speak of.
    check_gradients(backbone, IMAGES)


def test_batch_norms_may_be_frozen():
    backbone = keras_application("MobileNetV3Large", freeze_batch_norm=True)
    statistics = [w.numpy() for w in backbone.non_trainable_weights]
    backbone(IMAGES, training=True)
    assert statistics
    for before, after in zip(statistics, backbone.non_trainable_weights):
        np.testing.assert_array_equal(before, after)


def test_batch_norms_synchronise_where_there_are_replicas(monkeypatch):
    monkeypatch.setattr(keras_applications, "has_several_replicas", lambda: True)
    layers = keras_application("MobileNetV3Large").network.submodules
    norms = [x for x in layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    assert norms and all(norm.synchronized for norm in norms)


def test_a_wrong_name_or_file_is_one_message(tmp_path):
    with pytest.raises(UserError, match="name = 'ConvNext' .*did you mean 'ConvNeXtTiny'"):
        keras_application("ConvNext")
    with pytest.raises(UserError, match="weights = 'imagnet': no such file; expected None, 'ima"):
        keras_application("MobileNetV3Large", "imagnet")
    other = tmp_path / "text.h5"
    other.write_text("not HDF5")
    with pytest.raises(UserError, match="text.h5': not the weights of MobileNetV3Large.*_no_top"):
        keras_application("MobileNetV3Large", str(other))
    tiny = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=[1])])
    tiny.save_weights(str(tmp_path / "tiny.h5"))
    with pytest.raises(UserError, match="tiny.h5': not the weights of MobileNetV3Large"):
        keras_application("MobileNetV3Large", str(tmp_path / "tiny.h5"))


def test_a_failed_download_says_what_was_tried_and_what_to_do(monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("tf_keras.src.utils.data_utils.urlretrieve", fail)
    with pytest.raises(UserError) as caught:
        keras_application("MobileNetV3Large", "imagenet")
    message = str(caught.value)
    assert "https://" in message and "no_top" in message and "no route to host" in message
    assert "keras_application.weights = 'FILE'" in message and "\n" not in message
    with random_weights():
        keras_application("MobileNetV3Large", "imagenet")
