"""The decoding graph makes the pixels of the picture reader, and answers bad files by a status."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.files.graph_decoding import picture_status
from tests.unit.files.graph_decoding.make_pictures import (
    assert_same_pixels,
    decode,
    encoded,
    picture,
    read_with_pillow,
    tiff,
)

EXIF = b"Exif\0\0"


def test_jpegs_of_every_kind():
    for mode in ("RGB", "L"):
        for progressive in (False, True):
            assert_same_pixels(
                encoded(picture().convert(mode), "JPEG", progressive=progressive, quality=70)
            )
    assert_same_pixels(encoded(picture(), "JPEG", subsampling=0, restart_marker_blocks=2))
    assert_same_pixels(encoded(picture(), "JPEG", comment=b"\xff" * 40))


def test_cmyk_jpegs_differ_from_the_reader_by_one_at_most():
    content = encoded(picture().convert("CMYK"), "JPEG", quality=95)
    found = decode(content)
    assert found.status.numpy() == 0
    difference = np.abs(found.image.numpy().astype(int) - read_with_pillow(content))
    assert difference.max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_pngs_of_every_color_type(mode):
    assert_same_pixels(encoded(picture().convert(mode), "PNG"))


def test_pngs_of_other_depths_interlaced_and_animated():
    grays = np.asarray(picture().convert("L"))
    assert_same_pixels(encoded(Image.fromarray(grays.astype(np.uint16) * 251), "PNG"))
    for bits in (1, 2, 4):
        assert_same_pixels(encoded(picture().convert("P", colors=2**bits), "PNG", bits=bits))
        assert_same_pixels(_png(bits, 0, (grays >> (8 - bits)).astype(np.uint8)))
    for color_type, channels in ((2, 3), (4, 2), (6, 4)):
        values = np.random.default_rng(1).integers(0, 256, (9, 7 * channels * 2), np.uint8)
        assert_same_pixels(_png(16, color_type, values, width=7))
    animation = {"save_all": True, "append_images": [picture(seed=1)]}
    assert_same_pixels(encoded(picture(), "PNG", **animation))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_bmps_of_every_mode(mode):
    for width in (33, 34, 35, 36):
        assert_same_pixels(encoded(picture(width=width).convert(mode), "BMP"))


@pytest.mark.parametrize(
    ("depth", "masks"),
    [
        (16, None),
        (16, (0xF800, 0x07E0, 0x001F)),
        (32, None),
        (32, (0xFF0000, 0xFF00, 0xFF)),
        (32, (0xFF000000, 0xFF0000, 0xFF00)),
        (4, None),
        (24, None),
    ],
)
@pytest.mark.parametrize("top_down", [False, True])
def test_bmps_made_by_hand(depth, masks, top_down):
    assert_same_pixels(_bmp(depth, masks, top_down))


def test_a_compressed_bmp_is_unsupported():
    content = bytearray(encoded(picture().convert("P"), "BMP"))
    content[30] = 1
    assert decode(bytes(content)).status.numpy() == picture_status.UNSUPPORTED


def test_webps_of_every_kind_and_the_first_frame_of_an_animation():
    for mode in ("RGB", "RGBA"):
        image = picture().convert(mode)
        if mode == "RGBA":
            image.putalpha(picture(seed=3).convert("L"))
        assert_same_pixels(encoded(image, "WEBP"))
        assert_same_pixels(encoded(image, "WEBP", lossless=True, exact=True))
        others = [picture(seed=seed).convert(mode) for seed in (1, 2)]
        for lossless in (False, True):
            options = {"save_all": True, "append_images": others, "lossless": lossless}
            assert_same_pixels(encoded(image, "WEBP", **options))


def test_the_first_frame_of_a_gif():
    for mode in ("RGB", "L", "P", "1"):
        assert_same_pixels(encoded(picture().convert(mode), "GIF"))
    options = {"save_all": True, "append_images": [picture(seed=1), picture(40, 50)]}
    assert_same_pixels(encoded(picture(), "GIF", **options))
    assert_same_pixels(encoded(picture(), "GIF", interlace=1, comment=b"x" * 700))
    assert_same_pixels(encoded(picture(90, 200).convert("P"), "GIF", transparency=3))


def test_a_first_frame_that_covers_a_part_of_its_screen():
    content = bytearray(encoded(picture(), "GIF"))
    content[6:10] = struct.pack("<HH", 50, 40)
    at = content.index(b"\x2c", 13 + 3 * 2 ** (content[10] % 8 + 1))
    content[at + 1 : at + 5] = struct.pack("<HH", 7, 11)
    assert read_with_pillow(bytes(content)).shape == (40, 50, 3)
    assert_same_pixels(bytes(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_turns_pictures_upright(kind, order):
    for value in range(10):
        content = encoded(picture(), kind, exif=EXIF + tiff(value, order))
        assert_same_pixels(content)
        assert read_with_pillow(content).shape[0] == (34 if value in (5, 6, 7, 8) else 21)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_picture_above_the_limit_is_refused_from_its_header(kind):
    content = encoded(picture(250, 401), kind)
    # Without the pixels the status is the same: they are never read.
    for part in (content, content[:2000] if kind in ("JPEG", "PNG", "WEBP") else content):
        found = decode(part)
        assert found.status.numpy() == picture_status.TOO_LARGE
        assert found.message.numpy() == (
            b"too many pixels: 401 x 250, which is 100250; at most 100000 are accepted"
        )
        assert found.image.shape == (1, 1, 3)
    assert decode(encoded(picture(250, 400), kind)).status.numpy() == 0


def test_a_small_file_that_unpacks_to_a_large_picture_is_refused():
    content = bytearray(encoded(picture(), "PNG"))
    content[16:24] = struct.pack(">LL", 12_000, 12_000)
    content[29:33] = struct.pack(">L", zlib.crc32(content[12:29]))
    assert decode(bytes(content)).status.numpy() == picture_status.TOO_LARGE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_cut_file_is_damaged(kind):
    content = encoded(picture(60, 90), kind)
    for share in (0.2, 0.5, 0.9):
        found = decode(content[: int(len(content) * share)])
        assert found.status.numpy() == picture_status.DAMAGED
        assert b"damaged" in found.message.numpy()


def test_files_that_are_no_pictures():
    assert decode(b"").status.numpy() == picture_status.EMPTY
    for content in (
        b"x",
        b"\xff\xd8",
        b"GIF8",
        b"BN" * 50,
        b"RIFF\0\0\0\0WAVE",
        b"%PDF-1.7",
        b"\0",
    ):
        found = decode(content)
        assert found.status.numpy() == picture_status.NO_PICTURE, content
        assert found.message.numpy() == b"not a JPEG, PNG, GIF, BMP or WebP file"
    for start in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP"):
        assert decode(start).status.numpy() == picture_status.DAMAGED


def _png(depth: int, color_type: int, values: np.ndarray, width: int | None = None) -> bytes:
    """A PNG of packed values `[h, n]`: one number below 2^depth for a pixel, or bytes."""
    height, width = len(values), width or values.shape[1]
    if depth < 8:
        bits = np.unpackbits(values[..., np.newaxis], axis=-1)[..., 8 - depth :]
        values = np.packbits(bits.reshape(height, -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">LLBBBBB", width, height, depth, color_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))
        for name, body in chunks
    )


def _bmp(depth: int, masks: tuple | None, top_down: bool) -> bytes:
    """A BMP with random pixels, and a color table if it has 4 bits."""
    rng = np.random.default_rng(depth)
    height, width = 9, 13
    row_bytes = (width * depth + 31) // 32 * 4
    extra = struct.pack("<LLL", *masks) if masks else b""
    extra += rng.bytes(4 * 16) if depth == 4 else b""
    start = 14 + 40 + len(extra)
    size = row_bytes * height
    file_header = b"BM" + struct.pack("<LHHL", start + size, 0, 0, start)
    signed_height = -height if top_down else height
    header = struct.pack(
        "<LllHHLLllLL", 40, width, signed_height, 1, depth, 3 if masks else 0, size, 0, 0, 0, 0
    )
    return file_header + header + extra + rng.bytes(size)
