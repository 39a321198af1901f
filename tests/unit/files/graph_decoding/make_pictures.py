"""Makes picture files for the tests of the decoding graph."""

from __future__ import annotations

import io
import struct

import numpy as np
import tensorflow as tf
from PIL import Image

from maskconver_tf.files.graph_decoding.any_picture import decode_any_picture
from maskconver_tf.files.pictures import open_color_picture, plain_pixels, to_plain_rgb

MAX_PIXELS = 100_000
ORIENTATION = 0x112
SHORT, LONG = 3, 4

decode = tf.function(
    lambda content: decode_any_picture(content, MAX_PIXELS),
    input_signature=[tf.TensorSpec([], tf.string)],
    autograph=False,
)


def picture(height: int = 21, width: int = 34, seed: int = 0) -> Image.Image:
    """Soft colors with noise."""
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    rows, columns = np.mgrid[:height, :width]
    soft = np.stack([rows * 5, columns * 4, (rows + columns) * 3], -1) % 190
    return Image.fromarray((soft + noise).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read_with_pillow(content: bytes) -> np.ndarray:
    """The pixels that training and `predict` see."""
    return plain_pixels(to_plain_rgb(content, open_color_picture(content), turn=True)[0])


def assert_same_pixels(content: bytes) -> None:
    found = decode(content)
    assert found.status.numpy() == 0, found.message.numpy()
    assert found.message.numpy() == b""
    np.testing.assert_array_equal(found.image.numpy(), read_with_pillow(content))


def tiff(value: int, order: str = "<", kind: int = SHORT, tag: int = ORIENTATION) -> bytes:
    """TIFF data with a directory of one entry."""
    entry = struct.pack(order + "HHL", tag, kind, 1)
    entry += struct.pack(
        order + ("HH" if kind == SHORT else "L"), *[value, 0][: 1 + (kind == SHORT)]
    )
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(order + "LH", 8, 1) + entry + bytes(4)


def app1(content: bytes) -> bytes:
    """A segment APP1 of a JPEG."""
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Puts segments directly after the start of a JPEG."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]
