"""Decodes the files of a model with a channel mapping: only those that are mapped already."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.files.channels.mapped_png import MARK, MARK_AT
from maskconver_tf.files.graph_decoding import picture_status
from maskconver_tf.files.graph_decoding.any_picture import DecodedPicture, decode_any_picture
from maskconver_tf.files.graph_decoding.byte_fields import bytes_of, part

MESSAGE = (
    "this model maps the channels of its pictures, and those of this file are not mapped yet. Send "
    "the file to `maskconver serve`, or through maskconver_tf.serving.client with "
    "categories='exported/1/assets/categories.json', or map it by "
    "files.channels.mapped_png.encode_mapped"
)


def decode_mapped_picture(content: tf.Tensor, max_pixels: int) -> DecodedPicture:
    """Decodes what `encode_mapped` wrote; any other file has the status `UNSUPPORTED`.

    Args:
      content: string scalar, any bytes.
      max_pixels: most pixels.
    """
    is_mapped = part(bytes_of(content), MARK_AT, len(MARK)) == MARK
    is_refused = ~is_mapped & (tf.strings.length(content) > 0)
    found = decode_any_picture(tf.where(is_refused, b"", content), max_pixels)
    return DecodedPicture(
        found.image,
        tf.where(is_refused, picture_status.UNSUPPORTED, found.status),
        tf.where(is_refused, MESSAGE, found.message),
    )
