"""Channels without weights, as ImageNet weights have them, in files of int8."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from maskconver_tf.export.litert import convert
from maskconver_tf.export.litert.dead_channels import revive_dead_channels, widen_dead_ranges
from tests.unit.export.litert.pictures import PICTURES, SIZE


class DeadChannels(tf.Module):
    """A convolution and a depthwise one with a dead channel each, whose biases are large."""

    def __init__(self):
        super().__init__()
        weights = np.random.default_rng(5).normal(size=[3, 3, 3, 4]).astype(np.float32)
        weights[..., 1] *= 1e-9
        self.first = tf.Variable(weights)
        weights = np.random.default_rng(6).normal(size=[3, 3, 4, 1]).astype(np.float32)
        weights[:, :, 2] = 0.0
        self.second = tf.Variable(weights)
        self.bias = tf.constant([0.5, 4.0, 6.0, -0.5])

    @tf.function(input_signature=[tf.TensorSpec([1, *SIZE, 3], tf.uint8, name="image")])
    def heads(self, image):
        x = tf.cast(image, tf.float32) / 255.0
        x = tf.nn.relu6(tf.nn.conv2d(x, self.first, 1, "SAME") + self.bias)
        x = tf.nn.depthwise_conv2d(x, self.second, [1, 1, 1, 1], "SAME") + self.bias
        return {"mask_features": tf.nn.relu6(x)}


@pytest.fixture(scope="module")
def dead(tmp_path_factory) -> bytes:
    folder, module = str(tmp_path_factory.mktemp("saved")), DeadChannels()
    tf.saved_model.save(module, folder, signatures={convert.SIGNATURE: module.heads})
    return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


def output(model: bytes, picture: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=model)
    return interpreter.get_signature_runner()(image=picture[np.newaxis])["mask_features"]


def test_reviving_them_changes_the_file_but_hardly_its_results(dead):
    revived = revive_dead_channels(dead)
    assert revived != dead
    for picture in PICTURES:
        error = np.abs(output(revived, picture) - output(dead, picture)).max()
        assert 0 < error < 6 / 255 / 4  # A quarter of a step of 8 bits.


def test_a_file_of_int8_with_them_loads_and_computes_nearly_the_same(dead):
    model = convert.quantise(dead, "int8", None, PICTURES)
    for picture in PICTURES:
        difference = np.abs(output(model, picture) - output(dead, picture))
        assert difference.max() < 0.3 and difference.mean() < 0.05


def test_a_result_that_is_always_0_gets_a_range_and_others_keep_theirs():
    def limits(low, high):
        return {"min": np.full([1, 1], low, np.float32), "max": np.full([1, 1], high, np.float32)}

    found = widen_dead_ranges(
        {"dead": limits(0, 0), "constant": limits(3, 3), "small": limits(0, 1e-8)}
    )
    assert found == {"dead": limits(0, 1), "constant": limits(3, 3), "small": limits(0, 1e-8)}


def test_a_file_with_very_small_results_loads(tmp_path):
    """An addition of results of some 1e-8, as in a network with random weights."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([1, *SIZE, 3], tf.uint8, name="image")])
    def heads(image):
        x = tf.nn.relu(tf.cast(image, tf.float32) / 255.0 - 0.5)
        return {"mask_features": tf.nn.relu(1e-8 * x) + tf.nn.relu(2e-8 * x)}

    module.heads = heads
    tf.saved_model.save(module, str(tmp_path), signatures={convert.SIGNATURE: heads})
    small = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path)).convert()
    model = convert.quantise(small, "int8", None, PICTURES)
    assert np.abs(output(model, PICTURES[0]) - output(small, PICTURES[0])).max() < 1e-9


def test_a_file_without_them_stays_as_it_is(float32, dead):
    assert revive_dead_channels(float32) is float32
    revived = revive_dead_channels(dead)
    assert revive_dead_channels(revived) is revived
