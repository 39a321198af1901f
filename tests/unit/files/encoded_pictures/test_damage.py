"""A file passes only if TensorFlow decodes it; then both decoders see the same pixels."""

import functools
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf.files import pictures
from maskconver_tf.files.encoded_pictures.damage import lacks_scans
from maskconver_tf.files.graph_decoding.plain_files import decode_picture
from tests.unit.files.encoded_pictures.make_files import chunk, encode, png

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, [61, 83, 3]).astype(np.uint8)
PNG = encode(NOISE, "PNG")
JPEG = encode(NOISE, "JPEG")
PROGRESSIVE = encode(NOISE, "JPEG", progressive=True)
IDAT = PNG.index(b"IDAT") - 4
LENGTH = struct.unpack(">I", PNG[IDAT : IDAT + 4])[0]
DATA = PNG[IDAT + 8 : IDAT + 8 + LENGTH]


def _with_data(*parts):
    return PNG[:IDAT] + b"".join(chunk(b"IDAT", part) for part in parts) + chunk(b"IEND", b"")


def _with_chunk(kind, data=b"\0\0\0\1"):
    return PNG[:IDAT] + chunk(kind, data) + PNG[IDAT:]


def _changed(encoded, change):
    """The PNG, which has one chunk of data, with other data in a sound chunk."""
    begin = encoded.index(b"IDAT") - 4
    end = begin + 12 + struct.unpack(">I", encoded[begin : begin + 4])[0]
    return encoded[:begin] + chunk(b"IDAT", change(encoded[begin + 8 : end - 4])) + encoded[end:]


def _interlaced(change):
    return _changed(png(NOISE.astype(int), 8, 2, interlaced=True), change)


SMALL = NOISE[:9, :9].astype(int)
KINDS = {
    "gray of 1 bit": png(SMALL[..., 0] & 1, 1, 0),
    "gray of 16 bits": png(SMALL[..., 0] * 257, 16, 0),
    "palette": png(SMALL[..., 0] & 15, 4, 3, palette=NOISE.tobytes()[:48]),
    "RGB with a transparent color": png(SMALL, 8, 2, transparency=b"\0\1" * 3),
    "RGB of 16 bits": png(SMALL * 257, 16, 2),
    "RGBA": png(NOISE.reshape(-1)[: 9 * 36].reshape(9, 9, 4).astype(int), 8, 6),
    "one row": png(SMALL[:1], 8, 2),
    "a small window": encode(np.zeros([9, 9, 3], np.uint8), "PNG", compress_level=9),
    "animated": encode(NOISE, "PNG", save_all=True, append_images=[Image.fromarray(NOISE[::-1])]),
}
"""Kinds of PNG with one chunk of data."""

GOOD = {
    **KINDS,
    "png": PNG,
    "interlaced": png(NOISE.astype(int), 8, 2, interlaced=True),
    "bytes after IEND": PNG + b"more",
    "two files in one": PNG + PNG,
    "split data": _with_data(DATA[:100], b"", DATA[100:]),
    "bytes after the compressed data": _with_data(DATA + b"more"),
    "unknown chunk that may be passed over": _with_chunk(b"abCD"),
    "gamma": _with_chunk(b"gAMA"),
    "animated": encode(NOISE, "PNG", save_all=True, append_images=[]),
    "small window": encode(np.zeros([9, 9, 3], np.uint8), "PNG", compress_level=9),
    "jpeg": JPEG,
    "progressive": PROGRESSIVE,
    "subsampled": encode(NOISE, "JPEG", subsampling="4:2:0"),
    "restart markers": encode(NOISE, "JPEG", restart_marker_blocks=2),
    "RGB": encode(NOISE, "JPEG", keep_rgb=True),
    "gray": encode(NOISE[..., 0], "JPEG"),
    "gray and progressive": encode(NOISE[..., 0], "JPEG", progressive=True),
    "bytes after EOI": JPEG + b"\0" * 5000,
    "two JPEG in one": JPEG + JPEG,
    "with a preview": JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(JPEG) + 2) + JPEG + JPEG[2:],
    "zero-size segment": JPEG[:2] + b"\xff\xe5\0\2" + JPEG[2:],
    "data that break off before EOI": JPEG[: len(JPEG) // 2] + b"\xff\xd9",
    "progressive without all scans": PROGRESSIVE[: len(PROGRESSIVE) // 2] + b"\xff\xd9",
}
BAD = {
    "no IEND": PNG[:-12],
    "half of IEND": PNG[:-5],
    "wrong checksum of IEND": PNG[:-1] + b"x",
    "wrong checksum of IDAT": PNG[:-13] + bytes([PNG[-13] ^ 1]) + PNG[-12:],
    "unknown critical chunk": _with_chunk(b"ABCD"),
    "second header": _with_chunk(b"IHDR", PNG[16:29]),
    "cut data in a sound chunk": _with_data(DATA[:-60]),
    "wrong sum of the data": _with_data(DATA[:-1] + bytes([DATA[-1] ^ 1])),
    "data apart": PNG[:IDAT]
    + chunk(b"IDAT", DATA[:99])
    + chunk(b"tEXt", b"a\0b")
    + _with_data(DATA[99:])[IDAT:],
    "interlaced, wrong sum of the data": _interlaced(
        lambda data: data[:-1] + bytes([data[-1] ^ 1])
    ),
    **{f"{n} bytes of the sum are missing": _with_data(DATA[:-n]) for n in (1, 2, 3, 4)},
    **{
        f"interlaced, {n} bytes of the sum are missing": _interlaced(lambda data, n=n: data[:-n])
        for n in (1, 2, 3, 4)
    },
    **{
        f"{name}, a byte of the sum is missing": _changed(encoded, lambda data: data[:-1])
        for name, encoded in KINDS.items()
    },
    "the sum is missing, and the data are split": _with_data(DATA[:100], b"", DATA[100:-4]),
    "no EOI": JPEG[:-2],
    "other bytes for EOI": JPEG[:-200] + b"\0" * 3000,
    "progressive without EOI": PROGRESSIVE[:-50],
    "zero-size image": JPEG.replace(struct.pack(">HH", 61, 83), struct.pack(">HH", 0, 83)),
}


def _accepts(decode, encoded):
    try:
        return decode(encoded)
    except (tf.errors.InvalidArgumentError, pictures.UnreadablePicture):
        return None


@pytest.mark.parametrize("name", GOOD)
def test_a_sound_file_has_the_same_pixels_in_both_decoders(name):
    encoded = GOOD[name]
    plain, conversion = pictures.to_plain_rgb(encoded, pictures.open_color_picture(encoded), False)
    np.testing.assert_array_equal(decode_picture(plain), pictures.plain_pixels(plain))
    incomplete = "incomplete progressive JPEG, converted"
    assert (conversion == incomplete) == (name == "progressive without all scans")


@pytest.mark.parametrize("name", BAD)
def test_what_tensorflow_refuses_is_refused_here(name):
    assert _accepts(decode_picture, BAD[name]) is None
    assert _accepts(pictures.open_color_picture, BAD[name]) is None


def test_compressed_data_that_reach_behind_their_window():
    rows = NOISE.reshape(61, -1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in [*rows[:30], *rows[:31]]), 9)
    small = _with_data(b"\x08\x1d" + data[2:])  # A window of 256 bytes.
    assert _accepts(decode_picture, small) is None
    with pytest.raises(pictures.UnreadablePicture, match="do not fit the window size"):
        pictures.open_color_picture(small)


def test_random_damage_never_passes_here_and_fails_in_tensorflow():
    failed = functools.partial(_accepts, decode_picture)
    for encoded in (PNG, JPEG, PROGRESSIVE):
        for _ in range(100):
            damaged = bytearray(encoded)
            damaged[int(RNG.integers(8, len(damaged)))] ^= int(RNG.integers(1, 256))
            damaged = bytes(damaged[: int(RNG.integers(len(damaged) - 40, 2 * len(damaged)))])
            if (picture := _accepts(pictures.open_color_picture, damaged)) is not None:
                plain, _ = pictures.to_plain_rgb(damaged, picture, False)
                assert failed(plain) is not None


def test_scans_are_counted():
    assert not lacks_scans(PROGRESSIVE)
    assert not lacks_scans(JPEG)
    last_scan = PROGRESSIVE.rindex(b"\xff\xda")
    assert lacks_scans(PROGRESSIVE[:last_scan] + b"\xff\xd9")
