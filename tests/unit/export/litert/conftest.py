"""A small LiteRT file that tests quantise."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.export.litert import convert
from tests.unit.export.litert.pictures import SIZE


class TwoConvolutions(tf.Module):
    """`easy` has even values. In `hard` one channel is 300 times larger than the others."""

    def __init__(self):
        super().__init__()
        weights = np.random.default_rng(7).normal(size=[2, 3, 3, 4, 4]).astype(np.float32)
        self.easy, self.hard = tf.Variable(weights[0][:, :, :3]), tf.Variable(weights[1])
        self.scale = tf.constant([300.0, 1.0, 1.0, 1.0])

    @tf.function(input_signature=[tf.TensorSpec([1, *SIZE, 3], tf.uint8, name="image")])
    def heads(self, image):
        x = tf.cast(image, tf.float32) / 255.0
        x = tf.nn.relu(tf.nn.conv2d(x, self.easy, 1, "SAME"), name="easy")
        x = tf.nn.relu(tf.nn.conv2d(x, self.hard * self.scale, 1, "SAME"), name="hard")
        return {"mask_features": tf.reduce_sum(x / self.scale, axis=-1, keepdims=True)}


@pytest.fixture(scope="session")
def float32(tmp_path_factory) -> bytes:
    folder, module = str(tmp_path_factory.mktemp("saved")), TwoConvolutions()
    tf.saved_model.save(module, folder, signatures={convert.SIGNATURE: module.heads})
    return tf.lite.TFLiteConverter.from_saved_model(folder).convert()
