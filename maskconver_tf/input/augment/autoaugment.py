"""The AutoAugment policy of Panoptic-DeepLab, as listed in `official.vision.ops.augment`.

Each picture gets one of five sub-policies at random. A sub-policy has two operations, and each is
applied with its own probability. The operations only change colors, so the segment map stays the
same. Here, unlike in the source, all random numbers come from the seed of the example.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from maskconver_tf.input.augment import color_ops

PANOPTIC_DEEPLAB_POLICY = (
    (("sharpness", 0.4, 1.4), ("brightness", 0.2, 2.0)),
    (("equalize", 0.0, 1.8), ("contrast", 0.2, 2.0)),
    (("sharpness", 0.2, 1.8), ("saturation", 0.2, 1.8)),
    (("solarize", 0.2, 1.4), ("equalize", 0.6, 1.8)),
    (("sharpness", 0.2, 0.2), ("equalize", 0.2, 1.4)),
)
"""(operation, probability, level 0..10) of each sub-policy. Its `Color` is `saturation` here."""


def autoaugment(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Applies a random sub-policy to a picture.

    Args:
      image: uint8 `[h, w, 3]`.
      seed: int32 `[2]`.

    Returns:
      uint8 `[h, w, 3]`.
    """
    draws = tf.random.stateless_uniform([3], seed)
    choice = tf.cast(tf.floor(draws[0] * len(PANOPTIC_DEEPLAB_POLICY)), tf.int32)

    def branch(first: tuple, second: tuple) -> Callable[[], tf.Tensor]:
        return lambda: _maybe(_maybe(image, draws[1], *first), draws[2], *second)

    changed = tf.switch_case(choice, [branch(*policy) for policy in PANOPTIC_DEEPLAB_POLICY])
    return tf.ensure_shape(changed, image.shape)


def operation(name: str, level: float) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the operation, with its argument for a level of 0..10."""
    if name == "equalize":
        return color_ops.equalize
    if name == "solarize":
        return lambda image: color_ops.solarize(image, int(level / 10 * 256))
    return lambda image: getattr(color_ops, name)(image, level / 10 * 1.8 + 0.1)


def _maybe(
    image: tf.Tensor, draw: tf.Tensor, name: str, probability: float, level: float
) -> tf.Tensor:
    if probability == 0.0:
        return image
    return tf.cond(draw < probability, lambda: operation(name, level)(image), lambda: image)
