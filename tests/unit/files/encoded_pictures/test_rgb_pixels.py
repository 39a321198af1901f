"""Both decoders give the same ids, and damage is found."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from maskconver_tf.files.encoded_pictures.raw_values import NotRaw, read_rgb_ids
from maskconver_tf.files.encoded_pictures.rgb_pixels import read_rgb_pixels
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.files.pictures import UnreadablePicture

PIXELS = np.random.default_rng(0).integers(0, 256, (37, 53, 3)).astype(np.uint8)


def encoded(picture: Image.Image = None, **options) -> bytes:
    file = io.BytesIO()
    (picture or Image.fromarray(PIXELS)).save(file, "PNG", **options)
    return file.getvalue()


def ids_of(data: bytes) -> np.ndarray:
    found = read_rgb_pixels(data)
    return rgb_to_ids(found) if found.ndim == 3 else found


@pytest.mark.parametrize("level", [0, 1, 9])
def test_plain_files_are_decoded_fast_and_right(level):
    found = read_rgb_pixels(encoded(compress_level=level))
    assert found.dtype == np.uint8 and np.array_equal(found, PIXELS)


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (3, 100_000)])
def test_any_size(shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert np.array_equal(read_rgb_pixels(encoded(Image.fromarray(pixels))), pixels)


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_other_kinds_hold_the_same_ids(mode):
    few = Image.fromarray(PIXELS // 64 * 64)
    picture = few.quantize(256) if mode == "P" else few.convert(mode)
    assert np.array_equal(ids_of(encoded(picture)), rgb_to_ids(np.asarray(picture.convert("RGB"))))


def test_transparency_and_text_change_nothing():
    info = PngImagePlugin.PngInfo()
    info.add_text("made by", "somebody")
    for data in (encoded(transparency=(1, 2, 3)), encoded(pnginfo=info)):
        assert np.array_equal(ids_of(data), rgb_to_ids(PIXELS))


def test_interlaced_files():
    """Pillow writes none, so this one is made by hand: one pixel, interlaced."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 1)
    body = zlib.compress(b"\0\x05\x01\x02")
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks
    )
    assert ids_of(data).tolist() == [[5 + 256 + 2 * 65536]]


@pytest.mark.parametrize("mode", ["L", "I;16", "1", "LA"])
def test_files_without_color_are_refused(mode):
    gray = Image.fromarray(PIXELS[..., 0])
    with pytest.raises(NotRaw):
        read_rgb_pixels(encoded(gray.convert(mode) if mode != "I;16" else gray.convert("I;16")))


def test_every_cut_is_found():
    data = encoded(Image.fromarray(PIXELS[:5, :5]))
    for end in range(len(data)):
        with pytest.raises((UnreadablePicture, NotRaw)):
            read_rgb_pixels(data[:end])


def test_every_flipped_byte_is_found_or_harmless():
    """The checksums of the chunks find it; the slow reader agrees."""
    data = encoded(Image.fromarray(PIXELS[:5, :5]))
    for at in range(8, len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x55
        try:
            found = ids_of(bytes(changed))
        except (UnreadablePicture, NotRaw):
            continue
        assert np.array_equal(found, read_rgb_ids(bytes(changed)))


def test_too_many_pixels():
    with pytest.raises(UnreadablePicture, match="pixels"):
        read_rgb_pixels(encoded(), max_pixels=100)
