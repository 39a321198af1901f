"""Decodes a file of any kind inside a graph, and never raises: a bad file gets a status.

Before any pixel is decoded, the header tells how much memory the pixels will need. The decoders of
TensorFlow raise for a damaged file, so each runs inside a dataset that ignores errors.
`docs/export.md` says where the pixels differ from those of `files/pictures.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from maskconver_tf.files.graph_decoding import picture_status
from maskconver_tf.files.graph_decoding.bmp import bmp_header, decode_bmp
from maskconver_tf.files.graph_decoding.byte_fields import Bytes, bytes_of, part
from maskconver_tf.files.graph_decoding.exif import orientation, turn_upright
from maskconver_tf.files.graph_decoding.gif_header import gif_header
from maskconver_tf.files.graph_decoding.header import Header, no_picture
from maskconver_tf.files.graph_decoding.jpeg_header import jpeg_header
from maskconver_tf.files.graph_decoding.png_header import png_header
from maskconver_tf.files.graph_decoding.webp_header import webp_header

DEFAULT_MAX_PIXELS = 50_000_000
"""Most pixels of a picture on a server, unless an export says otherwise."""

LONGEST_SIDE = 1_000_000
"""TensorFlow decodes no PNG with a longer side, and the reader of files refuses it, too."""


class DecodedPicture(NamedTuple):
    """A picture, or the reason why there is none.

    Attributes:
      image: uint8 `[h, w, 3]`, upright RGB. Without a picture one black pixel.
      status: int32 scalar, a value of `picture_status`.
      message: string scalar, why there is no picture; empty for `OK`.
    """

    image: tf.Tensor
    status: tf.Tensor
    message: tf.Tensor


def decode_any_picture(content: tf.Tensor, max_pixels: int = DEFAULT_MAX_PIXELS) -> DecodedPicture:
    """Decodes a JPEG, PNG, GIF, BMP or WebP; of an animation the first frame.

    Args:
      content: string scalar, any bytes.
      max_pixels: most pixels; a larger picture is refused before its pixels are decoded.
    """
    none = tf.zeros([1, 1, 3], tf.uint8)
    failed = (none, picture_status.DAMAGED, picture_status.MESSAGES[picture_status.DAMAGED])
    found = tf.data.Dataset.from_tensors(content)
    decode = tf.autograph.experimental.do_not_convert(lambda content: _decode(content, max_pixels))
    found = found.map(decode).ignore_errors()
    found = found.concatenate(tf.data.Dataset.from_tensors(failed)).take(1)
    image, status, message = found.get_single_element()
    return DecodedPicture(tf.ensure_shape(image, [None, None, 3]), status, message)


def _decode(content: tf.Tensor, max_pixels: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    file = bytes_of(content)
    kind = _kind(file)
    readers = (jpeg_header, png_header, gif_header, bmp_header, webp_header)
    branches = [lambda reader=reader: reader(file) for reader in readers]
    header = Header(*tf.switch_case(kind, [*branches, lambda: no_picture(content)]))
    status = _check_size(header, max_pixels)
    image = tf.cond(
        status == picture_status.OK,
        lambda: turn_upright(_pixels(header, kind, file), orientation(header.exif)),
        lambda: tf.zeros([1, 1, 3], tf.uint8),
    )
    message = picture_status.status_message(status, header.size, max_pixels)
    return image, status, message


def _kind(file: Bytes) -> tf.Tensor:
    """Index of the file's kind among the readers of headers, or their number; int32 scalar."""
    start = part(file, 0, 12)
    is_kind = tf.stack(
        [
            tf.strings.substr(start, 0, tf.minimum(3, tf.strings.length(start))) == b"\xff\xd8\xff",
            part(file, 0, 8) == b"\x89PNG\r\n\x1a\n",
            (part(file, 0, 6) == b"GIF87a") | (part(file, 0, 6) == b"GIF89a"),
            part(file, 0, 2) == b"BM",
            (part(file, 0, 4) == b"RIFF") & (part(file, 8, 4) == b"WEBP"),
            True,
        ]
    )
    return tf.argmax(tf.cast(is_kind, tf.int32), output_type=tf.int32)


def _check_size(header: Header, max_pixels: int) -> tf.Tensor:
    """Returns the header's status, or `TOO_LARGE`."""
    is_large = tf.reduce_prod(header.size) > max_pixels
    is_large |= tf.reduce_max(header.size) > LONGEST_SIDE
    is_ok = header.status == picture_status.OK
    return tf.where(is_ok & is_large, picture_status.TOO_LARGE, header.status)


def _pixels(header: Header, kind: tf.Tensor, file: Bytes) -> tf.Tensor:
    """Decodes the first picture of a file; uint8 `[*header.size, 3]`. It may raise."""
    still = header.still
    branches = [
        lambda: tf.io.decode_jpeg(still, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_png(still, channels=3),
        lambda: _on_canvas(tf.io.decode_gif(still)[0], header),
        lambda: decode_bmp(file),
        lambda: _on_canvas(tf.io.decode_webp(still)[0, ..., :3], header),
    ]
    image = tf.ensure_shape(tf.switch_case(kind, branches), [None, None, 3])
    size = tf.shape(image, tf.int64)[:2]
    with tf.control_dependencies([tf.debugging.assert_equal(size, header.size)]):
        return tf.identity(image)


def _on_canvas(image: tf.Tensor, header: Header) -> tf.Tensor:
    """Puts a frame where the animation has it, in the color of the margin."""
    size = tf.shape(image, tf.int64)[:2]
    margins = tf.stack([header.corner, header.size - header.corner - size], axis=1)
    is_whole = tf.reduce_all(margins == 0)

    def paste() -> tf.Tensor:
        inside = tf.pad(tf.ones_like(image[..., :1], tf.bool), [*tf.unstack(margins), [0, 0]])
        padded = tf.pad(image, [*tf.unstack(margins), [0, 0]])
        return tf.where(inside, padded, header.margin)

    return tf.cond(is_whole, lambda: image, paste)
