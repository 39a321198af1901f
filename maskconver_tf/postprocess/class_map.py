"""Turns semantic logits into a class map at original picture size."""

from __future__ import annotations

import tensorflow as tf

CLASSES_PER_CHUNK = 16
"""Classes whose logits are resized at a time, so that memory does not grow with their number."""


@tf.function(autograph=False)
def class_map(
    logits: tf.Tensor, content_size: tf.Tensor, image_size: tf.Tensor, stride: int
) -> tf.Tensor:
    """Resizes the logits bilinearly and returns the class with the largest logit at each pixel.

    Args:
      logits: float32 `[h, w, C]`.
      content_size: int32 `[2]`, size of the picture inside the input, in input pixels.
      image_size: int32 `[2]`, size of the original picture.
      stride: input pixels per cell of the logits.

    Returns:
      int32 `[*image_size]`; if logits are equal, the lowest class id.
    """
    rows, columns = tf.unstack(-(-content_size // stride))
    logits = logits[:rows, :columns]
    best, classes = tf.fill(image_size, -float("inf")), tf.zeros(image_size, tf.int32)
    for first in range(0, logits.shape[-1], CLASSES_PER_CHUNK):
        chunk = tf.image.resize(logits[..., first : first + CLASSES_PER_CHUNK], image_size)
        highest = tf.reduce_max(chunk, axis=-1)
        own = first + tf.argmax(chunk, axis=-1, output_type=tf.int32)
        classes = tf.where(highest > best, own, classes)
        best = tf.maximum(best, highest)
    return classes
