"""The common result of the readers of picture headers."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from maskconver_tf.files.graph_decoding import picture_status


class Header(NamedTuple):
    """What a file says about its picture, before its pixels are decoded.

    Attributes:
      status: int32 scalar, a value of `picture_status`.
      size: int64 `[2]`, height and width of the stored picture, before it is turned upright.
      exif: string scalar, the EXIF data; empty without them.
      still: string scalar, a file with the first picture only. Its pixels need no more memory than
        those of `size`.
      corner: int64 `[2]`, first row and column of the pixels of `still` in the picture.
      margin: uint8 `[3]`, the color of all pixels outside `still`.
    """

    status: tf.Tensor
    size: tf.Tensor
    exif: tf.Tensor
    still: tf.Tensor
    corner: tf.Tensor
    margin: tf.Tensor


def make_header(
    still: tf.Tensor,
    height: tf.Tensor | int,
    width: tf.Tensor | int,
    is_whole: tf.Tensor | bool = True,
    exif: tf.Tensor | bytes = b"",
    status: tf.Tensor | int = picture_status.OK,
    corner: tf.Tensor | tuple[int, int] = (0, 0),
    margin: tf.Tensor | tuple[int, int, int] = (0, 0, 0),
) -> Header:
    """Makes a header. A picture that is not whole or has no pixels gets the status `DAMAGED`."""
    size = tf.stack([tf.cast(height, tf.int64), tf.cast(width, tf.int64)])
    is_sound = tf.logical_and(is_whole, tf.reduce_all(size > 0))
    return Header(
        tf.where(is_sound, status, picture_status.DAMAGED),
        size,
        tf.convert_to_tensor(exif),
        still,
        tf.cast(corner, tf.int64),
        tf.cast(margin, tf.uint8),
    )


def no_picture(content: tf.Tensor) -> Header:
    """The header of a file that is no picture."""
    is_empty = tf.strings.length(content) == 0
    status = tf.where(is_empty, picture_status.EMPTY, picture_status.NO_PICTURE)
    return make_header(tf.constant(b""), 1, 1, status=status)
