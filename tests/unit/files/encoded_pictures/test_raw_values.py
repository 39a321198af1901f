"""Stored numbers come out as they are, for each depth and kind, or the file is refused by name."""

import numpy as np
import pytest

from maskconver_tf.files.encoded_pictures.raw_values import (
    NotRaw,
    read_raw_values,
    read_rgb_ids,
)
from maskconver_tf.files.pictures import TooManyPixels, UnreadablePicture
from tests.unit.files.encoded_pictures.make_files import encode, png, tiff

PALETTE = bytes(range(200, 248))
VALUES = {
    1: [[0, 1, 1, 0, 1], [1, 0, 0, 0, 1]],
    2: [[0, 1, 2, 3, 2], [3, 3, 0, 1, 0]],
    4: [[0, 1, 2, 3, 15], [14, 8, 7, 0, 5]],
    8: [[0, 1, 2, 3, 255], [254, 17, 34, 85, 128]],
    16: [[0, 1, 255, 256, 65535], [65534, 257, 771, 4095, 32768]],
}
GRAY, RGB, INDEX, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("transparency", [b"", b"\0\1"])
@pytest.mark.parametrize("bits", VALUES)
def test_gray_png(bits, transparency, interlaced):
    encoded = png(np.array(VALUES[bits]), bits, GRAY, b"", transparency, interlaced)
    raw = read_raw_values(encoded)
    assert (raw.kind, raw.values.dtype, raw.values.tolist()) == ("gray", np.int32, VALUES[bits])


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("transparency", [b"", b"\0\1"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_png(bits, transparency, interlaced):
    palette = bytes(range(256)) * 3 if bits == 8 else PALETTE[: 3 * 2**bits]
    encoded = png(np.array(VALUES[bits]), bits, INDEX, palette, transparency, interlaced)
    raw = read_raw_values(encoded)
    assert (raw.kind, raw.values.tolist()) == ("palette", VALUES[bits])


@pytest.mark.parametrize(("color_type", "channels"), [(GRAY_ALPHA, 2), (RGB, 3), (RGBA, 4)])
def test_png_of_several_channels(color_type, channels):
    pixels = np.stack([np.array(VALUES[8]) + i for i in range(channels)], -1) % 256
    values = read_raw_values(png(pixels, 8, color_type)).values
    assert values.tolist() == (VALUES[8] if channels == 2 else pixels.tolist())
    with pytest.raises(NotRaw, match="16 bits per channel"):
        read_raw_values(png(pixels, 16, color_type))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", VALUES)
def test_gray_and_palette_tiff(bits, order):
    values = np.array(VALUES[bits])
    assert read_raw_values(tiff(values, bits, order)).values.tolist() == VALUES[bits]
    if bits <= 8:
        tags = {262: 3, 320: [0] * (3 * 2**bits)}
        raw = read_raw_values(tiff(values, bits, order, more_tags=tags))
        assert (raw.kind, raw.values.tolist()) == ("palette", VALUES[bits])


def test_whole_numbers_of_32_bits_and_signed_ones():
    values = [[0, 1, 65536, 2**31 - 1]]
    assert read_raw_values(tiff(np.array(values), 32)).values.tolist() == values
    for order in "<>":
        assert read_raw_values(tiff(np.array(values), 32, order, 2)).values.tolist() == values
        signed = tiff(np.array([[0, 32767]]), 16, order, 2)
        assert read_raw_values(signed).values.tolist() == [[0, 32767]]
    with pytest.raises(NotRaw, match="gray, 32 bits per channel, with the value 2147483648"):
        read_raw_values(tiff(np.array([[2**31, 1]]), 32))
    for bits in (16, 32):
        with pytest.raises(NotRaw, match=f"signed {bits} bits per channel, with the value -1"):
            read_raw_values(tiff(np.array([[3, -1]]), bits, number_format=2))


@pytest.mark.parametrize(
    ("encoded", "found"),
    [
        (tiff(np.ones([2, 2]), 32, number_format=3), "TIFF, gray, float 32 bits"),
        (tiff(np.ones([2, 2]), 8, number_format=2), "TIFF, gray, signed 8 bits"),
        (tiff(np.ones([2, 2]), 8, more_tags={262: 0}), "white is 0"),
        (tiff(np.ones([2, 2]), 8, more_tags={274: 6}), "orientation 6"),
        (encode(np.ones([16, 16, 3], np.uint8), "TIFF", compression="jpeg"), "compression 7"),
    ],
)
def test_what_cannot_be_read_raw_is_refused(encoded, found):
    with pytest.raises(NotRaw, match=found):
        read_raw_values(encoded)


def test_more_than_one_picture_is_refused_but_smaller_copies_are_not(tmp_path):
    from PIL import Image, TiffImagePlugin

    pages = [Image.fromarray(np.full([4, 4], i, np.uint8)) for i in (1, 2)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "a.png", save_all=True, append_images=pages[1:])
    for name in ("a.tif", "a.png"):
        with pytest.raises(NotRaw, match="2 pictures in one file"):
            read_raw_values((tmp_path / name).read_bytes())
    smaller = TiffImagePlugin.ImageFileDirectory_v2()
    smaller[254] = 1
    pages[1].encoderinfo = {"tiffinfo": smaller}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert (read_raw_values((tmp_path / "a.tif").read_bytes()).values == 1).all()


def test_damaged_files_other_formats_and_large_pictures_are_refused():
    gray = png(np.array(VALUES[8]), 8, GRAY)
    with pytest.raises(UnreadablePicture, match="PNG without its end"):
        read_raw_values(gray[:-12])
    with pytest.raises(UnreadablePicture, match="not a PNG or TIFF file"):
        read_raw_values(encode(np.zeros([8, 8], np.uint8), "JPEG"))
    with pytest.raises(TooManyPixels, match="5 x 2, which is 10 pixels"):
        read_raw_values(gray, max_pixels=9)
    assert read_raw_values(gray, max_pixels=10).values.shape == (2, 5)


def test_ids_of_color_pictures():
    ids = [[0, 1, 256], [65536, 2**24 - 1, 70000]]
    rgb = np.stack([np.array(ids) >> shift & 255 for shift in (0, 8, 16)], -1).astype(np.uint8)
    alpha = np.concatenate([rgb, np.zeros_like(rgb[..., :1])], -1)
    for encoded in (
        encode(rgb, "PNG"),
        encode(alpha, "PNG"),
        encode(rgb, "TIFF"),
        png(np.arange(6).reshape(2, 3), 4, INDEX, rgb.tobytes()),
        png(np.arange(6).reshape(2, 3), 8, INDEX, rgb.tobytes(), b"\0\0\0"),
    ):
        assert read_rgb_ids(encoded).tolist() == ids
    with pytest.raises(NotRaw, match="PNG, gray, 8 bits per channel"):
        read_rgb_ids(encode(rgb[..., 0], "PNG"))
    with pytest.raises(NotRaw, match="with the index 6 and only 6 colors"):
        read_rgb_ids(png(np.array([[5, 6]]), 4, INDEX, rgb.tobytes()))
