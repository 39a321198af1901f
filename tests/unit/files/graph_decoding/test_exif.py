"""The orientation in EXIF data, read like Pillow reads it."""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from maskconver_tf.files.graph_decoding.exif import orientation, turn_upright
from maskconver_tf.files.pictures import orientation as orientation_by_pillow
from tests.unit.files.graph_decoding.make_pictures import (
    LONG,
    ORIENTATION,
    SHORT,
    app1,
    assert_same_pixels,
    encoded,
    picture,
    tiff,
    with_segments,
)

PREFIX = b"Exif\0\0"
read = tf.function(orientation, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)


def _by_pillow(exif: bytes) -> int:
    image = Image.new("RGB", (1, 1))
    image.info["exif"] = exif
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return orientation_by_pillow(image)


def _directory(order: str, *entries: bytes, count: int | None = None) -> bytes:
    start = b"II*\0" if order == "<" else b"MM\0*"
    count = len(entries) if count is None else count
    return start + struct.pack(order + "LH", 8, count) + b"".join(entries) + bytes(4)


def _entry(order: str, kind: int, count: int, value: bytes, tag: int = ORIENTATION) -> bytes:
    return struct.pack(order + "HHL", tag, kind, count) + value.ljust(4, b"\0")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [SHORT, LONG])
def test_all_values_in_both_byte_orders(order, kind):
    for value in range(12):
        for prefix in (b"", PREFIX):
            exif = prefix + tiff(value, order, kind)
            assert read(exif).numpy() == (value if 1 <= value <= 8 else 1) == _by_pillow(exif)


@pytest.mark.parametrize("order", ["<", ">"])
def test_unusual_and_broken_tags(order):
    six = struct.pack(order + "H", 6)
    other = _entry(order, SHORT, 1, struct.pack(order + "H", 3), tag=0x100)
    far = struct.pack(order + "L", 8 + 2 + 12 + 4)
    cases = {
        "no entry": (_directory(order), 1),
        "other tag": (_directory(order, other), 1),
        "second entry": (_directory(order, other, _entry(order, SHORT, 1, six)), 6),
        "the first of two": (
            _directory(order, _entry(order, SHORT, 1, six), tiff(3, order)[10:22]),
            6,
        ),
        "two values": (_directory(order, _entry(order, SHORT, 2, six + six)), 6),
        "three values elsewhere": (_directory(order, _entry(order, SHORT, 3, far)) + six * 3, 6),
        "values behind the end": (_directory(order, _entry(order, SHORT, 30, far)), 1),
        "after a value behind the end": (
            _directory(order, _entry(order, 2, 30, far), _entry(order, SHORT, 1, six)),
            1,
        ),
        "after a value larger than the data": (
            _directory(order, _entry(order, 2, 9999, far), _entry(order, SHORT, 1, six)),
            6,
        ),
        "no value": (_directory(order, _entry(order, SHORT, 0, six)), 1),
        "bytes": (_directory(order, _entry(order, 1, 1, b"\6")), 1),
        "text": (_directory(order, _entry(order, 2, 2, b"6\0")), 1),
        "unknown type": (_directory(order, _entry(order, 99, 1, six)), 1),
        "negative": (_directory(order, _entry(order, 8, 1, struct.pack(order + "h", -6))), 1),
        "signed": (_directory(order, _entry(order, 8, 1, six)), 6),
        "cut after the entry": (_directory(order, _entry(order, SHORT, 1, six), count=9)[:22], 6),
        "cut inside the entry": (_directory(order, _entry(order, SHORT, 1, six))[:20], 1),
        "directory behind the end": (tiff(6, order)[:4] + struct.pack(order + "L", 9999), 1),
        "nothing": (b"", 1),
        "short": (b"II", 1),
        "other start": (b"XX" + tiff(6, order)[2:], 1),
    }
    for name, (exif, expected) in cases.items():
        assert read(exif).numpy() == expected, name
        assert _by_pillow(exif) == expected, name


def test_random_bytes_read_like_pillow():
    rng = np.random.default_rng(0)
    for _ in range(300):
        exif = bytearray(tiff(int(rng.integers(1, 9)), str(rng.choice(["<", ">"]))))
        for at in rng.integers(0, len(exif), rng.integers(1, 3)):
            exif[at] = rng.integers(0, 256)
        kind = int.from_bytes(exif[12:14], "little" if exif[:2] == b"II" else "big")
        if kind in (5, 10, 11, 12, 16) or exif[:4] == b"II+\0":
            continue  # Fractions and BigTIFF are not read, as docs/export.md says.
        assert read(bytes(exif)).numpy() == _by_pillow(bytes(exif)), bytes(exif)


def test_a_tag_beyond_the_first_segment_of_a_jpeg():
    jpeg = encoded(picture(), "JPEG")
    xmp = app1(b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")
    exif = PREFIX + tiff(6)
    assert_same_pixels(with_segments(jpeg, xmp, app1(exif)))
    assert_same_pixels(with_segments(jpeg, *[app1(b"other" * 9000)] * 4, app1(exif)))
    # Pillow joins the parts of data that stand in two segments.
    assert_same_pixels(with_segments(jpeg, app1(exif[:20]), app1(PREFIX + exif[20:])))
    assert_same_pixels(with_segments(jpeg, b"\xff" * 5, app1(exif)))


@pytest.mark.parametrize("value", range(1, 9))
def test_turning_equals_pillow(value):
    turned = turn_upright(tf.constant(np.asarray(picture())), tf.constant(value))
    file = io.BytesIO(encoded(picture(), "PNG", exif=PREFIX + tiff(value)))
    image = Image.open(file)
    np.testing.assert_array_equal(turned, np.asarray(ImageOps.exif_transpose(image)))
