"""The brightness of whole pictures is that of Pillow, and the rest of the example is as it was."""

import numpy as np
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.input.pipeline import EvaluationInput
from maskconver_tf.input.with_brightness import WithBrightness, _brightness
from tests.unit.input.tiny_dataset import NUM_EXAMPLES, colors


def pillow(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("L"))


def test_chosen_examples_have_a_brightness_and_all_are_as_before(data_dir):
    data = EvaluationInput(data_dir, (64, 64), batch_size=2)
    chosen = np.arange(NUM_EXAMPLES) % 3 == 0
    before = list(data.examples().as_numpy_iterator())
    after = list(WithBrightness(data, chosen).examples().as_numpy_iterator())
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        found = other.pop(types.BRIGHTNESS)
        assert found.dtype == np.uint8
        expected = pillow(colors(one[types.SEGMENT_MAP])) if number % 3 == 0 else np.zeros([0, 0])
        np.testing.assert_array_equal(found, expected)
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[key], other[key]) for key in one)


def test_hosts_share_the_examples_and_keep_their_numbers(data_dir):
    chosen = np.arange(NUM_EXAMPLES) == 4
    data = WithBrightness(EvaluationInput(data_dir, (32, 64), max_examples=5), chosen[:5])
    found = [
        (int(example[types.IMAGE_ID]), example[types.BRIGHTNESS].size)
        for host in (0, 1)
        for example in data.examples(host, 2).as_numpy_iterator()
    ]
    assert found == [(0, 0), (2, 0), (4, 16 * 32), (1, 0), (3, 0)]


def test_every_color_has_the_brightness_of_pillow():
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    pixels[0, :, :] = np.arange(256)[:, np.newaxis]
    np.testing.assert_array_equal(_brightness(tf.constant(pixels)).numpy(), pillow(pixels))
