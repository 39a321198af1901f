"""Blur, noise and gamma on literal pictures."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.input.augment.camera import blur, random_blur, random_gamma, random_noise


def gray(values: list) -> tf.Tensor:
    return tf.constant(np.repeat(np.array(values, np.uint8)[..., np.newaxis], 3, -1))


def test_blur_spreads_a_point_as_the_gaussian_says():
    image = np.zeros([7, 7], np.uint8)
    image[3, 3] = 250
    found = blur(gray(image), tf.constant(1.0), 3).numpy()[..., 1]
    line = np.exp(-np.square(np.arange(-3, 4)) / 2)
    expected = 250 * np.outer(line, line) / line.sum() ** 2
    assert np.abs(found - expected).max() <= 0.5 + 1e-3


def test_no_blur_changes_nothing_and_a_plain_picture_stays_plain():
    image = np.random.default_rng(0).integers(0, 256, [5, 9])
    assert (blur(gray(image), tf.constant(0.0), 6).numpy()[..., 0] == image).all()
    plain = blur(gray(np.full([4, 3], 77)), tf.constant(3.0), 9).numpy()
    assert (plain == 77).all()


def test_a_blur_reaches_its_largest_deviation_only():
    step = np.zeros([4, 40], np.uint8)
    step[:, 20:] = 200
    for number in range(8):
        found = random_blur(gray(step), 1.5, tf.constant([number, 1])).numpy()[0, :, 0]
        assert found[:15].max() == 0 and found[25:].min() == 200


def test_noise_has_mean_0_and_at_most_the_deviation():
    image = gray(np.full([64, 64], 128))
    deviations = []
    for number in range(12):
        found = random_noise(image, 0.1, tf.constant([number, 1])).numpy().astype(float)
        assert abs(found.mean() - 128) < 1.5
        deviations.append(found.std() / 255)
        assert (found[..., 0] != found[..., 1]).any() or found.std() < 1
    assert max(deviations) < 0.11 and max(deviations) > 0.05 and min(deviations) < 0.05


def test_noise_stays_in_range():
    for value in (0, 255):
        found = random_noise(gray(np.full([8, 8], value)), 0.5, tf.constant([3, 1])).numpy()
        assert (found == value).mean() > 0.3  # What would leave the range stays at its end.


@pytest.mark.parametrize("largest", [0.5, 3.0])
def test_gamma_keeps_black_white_and_the_order(largest):
    ramp = gray(np.arange(256)[np.newaxis])
    powers = []
    for number in range(20):
        found = random_gamma(ramp, largest, tf.constant([number, 1])).numpy()[0, :, 0].astype(int)
        assert (found[0], found[255]) == (0, 255)
        assert (np.diff(found) >= 0).all()
        powers.append(np.log(found[128] / 255) / np.log(128 / 255))
    assert min(powers) < 1 < max(powers)
    assert 1 / (1 + largest) - 0.02 <= min(powers) and max(powers) <= 1 + largest + 0.1


def test_the_seed_decides():
    image = gray(np.random.default_rng(0).integers(0, 256, [6, 6]))
    for change in (random_blur, random_noise, random_gamma):
        one, again, *others = (
            change(image, 0.9, tf.constant([n, 1])).numpy() for n in (1, 1, 2, 3, 4, 5)
        )
        assert (one == again).all() and any((one != other).any() for other in others)
