"""Color operations, the policy made of them, and jitter: worked pixels, and Pillow's operations."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from maskconver_tf.input.augment import autoaugment as policy
from maskconver_tf.input.augment import color_ops
from maskconver_tf.input.augment.autoaugment import autoaugment
from maskconver_tf.input.augment.color_jitter import color_jitter

_rng = np.random.default_rng(7)
NOISE = _rng.integers(30, 220, [24, 31, 3]).astype(np.uint8)
SKEWED = (255 * _rng.random([24, 31, 3]) ** [1, 3, 0.5]).astype(np.uint8)
FLAT = np.full([6, 5, 3], 77, np.uint8)


def _run(operation, image):
    """The operation inside `tf.data`, where the size is not known beforehand."""
    signature = tf.TensorSpec([None, None, 3], tf.uint8)
    traced = tf.function(operation, input_signature=[signature])
    dataset = tf.data.Dataset.from_tensors(image).map(lambda value: traced(value))
    assert dataset.element_spec.dtype == tf.uint8
    [result] = dataset.as_numpy_iterator()
    return result


def _assert_close(found, expected):
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - np.asarray(expected).astype(int)).max() <= 1


# ---- Operations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.0, 0.46, 1.0, 1.7])
@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("brightness", ImageEnhance.Brightness),
        ("saturation", ImageEnhance.Color),
        ("sharpness", ImageEnhance.Sharpness),
    ],
)
def test_enhancements_are_pillows(name, reference, factor):
    found = _run(lambda image: getattr(color_ops, name)(image, factor), SKEWED)
    expected = np.array(reference(Image.fromarray(SKEWED)).enhance(factor)).astype(int)
    # Pillow rounds gray and smooth pixels before it mixes.
    assert np.abs(found.astype(int) - expected).max() <= 1 + round(abs(1 - factor))


def test_contrast_pulls_each_channel_to_its_mean():
    image = np.array([[[0, 100, 7], [200, 50, 7]]], np.uint8)
    assert _run(lambda x: color_ops.contrast(x, 0.5), image).tolist() == [
        [[50, 87, 7], [150, 62, 7]]
    ]


def test_equalize_is_pillows():
    for image in (NOISE, SKEWED, FLAT):
        expected = ImageOps.equalize(Image.fromarray(image))
        np.testing.assert_array_equal(_run(color_ops.equalize, image), expected)


def test_solarize_is_pillows():
    for threshold in (0, 35, 128, 255):
        expected = ImageOps.solarize(Image.fromarray(SKEWED), threshold)
        found = _run(lambda image, t=threshold: color_ops.solarize(image, t), SKEWED)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (2, 9), (3, 3)])
def test_small_pictures(size):
    image = NOISE[: size[0], : size[1]]
    sharp = _run(lambda x: color_ops.sharpness(x, 0.3), image)
    border = np.ones(size, bool)
    border[1:-1, 1:-1] = False
    np.testing.assert_array_equal(sharp[border], image[border])
    assert (sharp != image).any() == (size == (3, 3))
    assert _run(color_ops.equalize, image).shape == image.shape
    assert _run(lambda x: color_jitter(x, 0.5, tf.constant([1, 2])), image).shape == image.shape


# ---- The policy ----------------------------------------------------------------------------------


def test_policy_and_operations_are_those_of_official_vision():
    augment = pytest.importorskip("official.vision.ops.augment")
    names = {"saturation": "Color"}
    found = [
        [(names.get(name, name.capitalize()), probability, level) for name, probability, level in p]
        for p in policy.PANOPTIC_DEEPLAB_POLICY
    ]
    assert found == augment.AutoAugment.panoptic_deeplab_policy()
    for name, _, level in sum(policy.PANOPTIC_DEEPLAB_POLICY, ()):
        parsed = augment._parse_policy_info(
            names.get(name, name.capitalize()), 1.0, level, [128] * 3, 100.0, 250.0
        )
        expected, _ = parsed[0](tf.constant(SKEWED), None, *parsed[2])
        _assert_close(policy.operation(name, level)(tf.constant(SKEWED)).numpy(), expected)


def test_sub_policies_and_operations_are_drawn_as_often_as_they_should(monkeypatch):
    # Each operation adds a number of its own, so that the pixel tells what was done.
    numbers = {"sharpness": 1, "brightness": 2, "contrast": 4, "saturation": 8, "solarize": 16}
    numbers["equalize"] = 32
    monkeypatch.setattr(policy, "operation", lambda name, level: lambda x: x + numbers[name])
    draw = tf.function(lambda i: autoaugment(tf.zeros([1, 1, 3], tf.uint8), tf.stack([3, i])))
    counts = collections.Counter(int(draw(tf.constant(i))[0, 0, 0]) for i in range(2000))
    expected = {
        0: (0.6 * 0.8 + 0.8 + 0.8 * 0.8 + 0.8 * 0.4 + 0.8 * 0.8) / 5,
        1: (0.4 * 0.8 + 0.2 * 0.8 + 0.2 * 0.8) / 5,
        2: 0.6 * 0.2 / 5,
        3: 0.4 * 0.2 / 5,
        4: 0.2 / 5,
        8: 0.8 * 0.2 / 5,
        9: 0.2 * 0.2 / 5,
        16: 0.2 * 0.4 / 5,
        32: (0.8 * 0.6 + 0.8 * 0.2) / 5,
        33: 0.2 * 0.2 / 5,
        48: 0.2 * 0.6 / 5,
    }
    assert set(counts) == set(expected)
    for value, share in expected.items():
        spread = 4 * np.sqrt(2000 * share * (1 - share))
        assert abs(counts[value] - 2000 * share) < spread


def test_the_seed_decides():
    draw = tf.function(lambda i: autoaugment(tf.constant(SKEWED), tf.stack([0, i])))
    pictures = [draw(tf.constant(i)).numpy() for i in range(30)]
    for i, picture in enumerate(pictures):
        np.testing.assert_array_equal(draw(tf.constant(i)), picture)
    assert len({picture.tobytes() for picture in pictures}) > 4


# ---- Jitter --------------------------------------------------------------------------------------


def test_jitter_is_brightness_of_contrast_of_saturation(monkeypatch):
    factors = [1.1, 0.7, 1.3]
    monkeypatch.setattr(tf.random, "stateless_uniform", lambda *args: tf.constant(factors))
    found = _run(lambda x: color_jitter(x, 0.3, tf.constant([0, 0])), NOISE)
    values = NOISE.astype(np.float64)
    gray = values @ color_ops.LUMA
    values = 1.3 * values - 0.3 * gray[..., None]
    values = 1.1 * (0.7 * values + 0.3 * gray.mean())
    _assert_close(found, np.clip(values, 0, 255).round())


def test_jitter_of_nothing_is_nothing_and_strength_bounds_it():
    seed = tf.constant([1, 2])
    np.testing.assert_array_equal(color_jitter(tf.constant(NOISE), 0.0, seed), NOISE)
    gray = tf.fill([2, 2, 3], tf.constant(100, tf.uint8))
    levels = [int(color_jitter(gray, 0.2, tf.constant([1, i]))[0, 0, 0]) for i in range(40)]
    assert min(levels) >= 80 and max(levels) <= 120
    assert max(levels) - min(levels) > 25
