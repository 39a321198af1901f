"""Says whether a picture was decoded, and if not, why."""

from __future__ import annotations

import tensorflow as tf

OK = 0
EMPTY = 1
NO_PICTURE = 2
TOO_LARGE = 3
DAMAGED = 4
UNSUPPORTED = 5

MESSAGES = {
    OK: "",
    EMPTY: "the file is empty",
    NO_PICTURE: "not a JPEG, PNG, GIF, BMP or WebP file",
    TOO_LARGE: "too many pixels",
    DAMAGED: "damaged or incomplete, so it cannot be decoded",
    UNSUPPORTED: "of a kind that the model cannot decode; save it as JPEG or PNG",
}
"""What each status means. `status_message` adds the size of a picture that is too large."""


def status_message(status: tf.Tensor, stored_size: tf.Tensor, max_pixels: int) -> tf.Tensor:
    """Returns the message for a status; string scalar, empty for `OK`.

    Args:
      status: int32 scalar.
      stored_size: int64 `[2]`, height and width that the header of the file promises.
      max_pixels: most pixels of a picture.
    """
    height, width = tf.unstack(tf.strings.as_string(stored_size))
    pixels = tf.strings.as_string(tf.reduce_prod(stored_size))
    size = tf.strings.join(
        [": ", width, " x ", height, ", which is ", pixels, f"; at most {max_pixels} are accepted"]
    )
    message = tf.gather(tf.constant(list(MESSAGES.values())), status)
    return tf.strings.join([message, tf.where(status == TOO_LARGE, size, "")])
