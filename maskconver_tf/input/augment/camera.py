"""Random blur, noise and gamma, as cameras and microscopes make them. Pixels keep their places."""

from __future__ import annotations

import math

import tensorflow as tf


def random_blur(image: tf.Tensor, largest: float, seed: tf.Tensor) -> tf.Tensor:
    """Blurs a picture with a Gaussian.

    Args:
      image: uint8 `[h, w, 3]`.
      largest: largest standard deviation in pixels; it is uniform from 0.
      seed: int32 `[2]`.

    Returns:
      uint8 `[h, w, 3]`.
    """
    sigma = tf.random.stateless_uniform([], seed, 0.0, largest)
    return blur(image, sigma, math.ceil(3 * largest))


def blur(image: tf.Tensor, sigma: tf.Tensor, reach: int) -> tf.Tensor:
    """Blurs with a Gaussian of standard deviation `sigma`, cut at `reach` pixels.

    Pixels at the border repeat outside the picture. A deviation of 0 changes nothing.
    """
    offsets = tf.range(-reach, reach + 1)
    exponents = -tf.square(tf.cast(offsets, tf.float32)) / (2.0 * tf.square(sigma) + 1e-6)
    weights = tf.nn.softmax(exponents)
    values = tf.cast(image, tf.float32)
    for axis in (0, 1):
        last = tf.shape(image)[axis] - 1
        lines = tf.clip_by_value(tf.range(last + 1)[:, tf.newaxis] + offsets, 0, last)
        # [h, 2 reach + 1, w, 3], or with the middle axes swapped.
        around = tf.gather(values, lines, axis=axis)
        shape = [1] * axis + [1, 2 * reach + 1] + [1] * (2 - axis)
        values = tf.reduce_sum(around * tf.reshape(weights, shape), axis + 1)
    return tf.cast(values + 0.5, tf.uint8)


def random_noise(image: tf.Tensor, largest: float, seed: tf.Tensor) -> tf.Tensor:
    """Adds normal noise of its own to each pixel and channel.

    Args:
      image: uint8 `[h, w, 3]`.
      largest: largest standard deviation, as a share of white; it is uniform from 0.
      seed: int32 `[2]`.

    Returns:
      uint8 `[h, w, 3]`.
    """
    size_seed, noise_seed = tf.unstack(tf.random.split(seed, 2))
    sigma = 255.0 * tf.random.stateless_uniform([], size_seed, 0.0, largest)
    noise = sigma * tf.random.stateless_normal(tf.shape(image), noise_seed)
    values = tf.clip_by_value(tf.cast(image, tf.float32) + noise + 0.5, 0.0, 255.0)
    return tf.cast(values, tf.uint8)


def random_gamma(image: tf.Tensor, largest: float, seed: tf.Tensor) -> tf.Tensor:
    """Raises the values, 0 for black to 1 for white, to a random power.

    Args:
      image: uint8 `[h, w, 3]`.
      largest: g; the logarithm of the power is uniform between those of 1 / (1 + g) and 1 + g.
      seed: int32 `[2]`.

    Returns:
      uint8 `[h, w, 3]`.
    """
    reach = math.log(1.0 + largest)
    power = tf.exp(tf.random.stateless_uniform([], seed, -reach, reach))
    table = 255.0 * tf.pow(tf.range(256, dtype=tf.float32) / 255.0, power)
    return tf.gather(tf.cast(table + 0.5, tf.uint8), tf.cast(image, tf.int32))
