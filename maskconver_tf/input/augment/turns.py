"""Quarter turns and vertical flips. Picture and map go through the same function."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.input.transforms import Window


def random_turns(seed: tf.Tensor) -> tf.Tensor:
    """Draws the number of quarter turns to the left, int32 0..3, each equally often."""
    return tf.random.stateless_uniform([], seed, 0, 4, tf.int32)


def turned_size(size: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """Returns the size of a picture after turns; int32 `[2]`, (height, width)."""
    return tf.where(turns % 2 == 1, size[::-1], size)


def window_before_turns(window: Window, image_size: tf.Tensor, turns: tf.Tensor) -> Window:
    """Returns the window of the original picture that turns into a window of the turned one.

    The crop and the scaling of a large picture then come first, and only the small result is
    turned.

    Args:
      window: of the turned picture.
      image_size: int32 `[2]`, of the original picture.
      turns: quarter turns to the left, 0..3.
    """
    (y, x), (height, width) = tf.unstack(window.begin), tf.unstack(window.extent)
    rows, columns = tf.unstack(image_size)
    begins = [
        tf.stack([y, x]),
        tf.stack([x, columns - y - height]),
        tf.stack([rows - y - height, columns - x - width]),
        tf.stack([rows - x - width, y]),
    ]
    begin = tf.gather(tf.stack(begins), turns)
    return Window(begin, turned_size(window.extent, turns), turned_size(window.size, turns))


def turn(array: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """Turns `[h, w, ...]` by quarter turns to the left.

    The sides are unknown to TensorFlow afterwards, because they depend on `turns`.
    """
    turns = tf.convert_to_tensor(turns, tf.int32)
    others = list(range(2, array.shape.rank))
    transposed = lambda: tf.transpose(array, [1, 0, *others])  # noqa: E731
    return tf.switch_case(
        turns,
        [
            lambda: array,
            lambda: tf.reverse(transposed(), [0]),
            lambda: tf.reverse(array, [0, 1]),
            lambda: tf.reverse(transposed(), [1]),
        ],
    )


def random_upend(
    image: tf.Tensor, segment_map: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors picture and map top to bottom with probability 1/2."""
    return tf.cond(
        tf.random.stateless_uniform([], seed) < 0.5,
        lambda: (tf.reverse(image, [0]), tf.reverse(segment_map, [0])),
        lambda: (image, segment_map),
    )
