"""Stored channels of every kind of file, against the array that was written."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.channels.mapped_picture import open_picture
from maskconver_tf.files.channels.stored_channels import read_channels
from maskconver_tf.files.pictures import (
    TooManyPixels,
    UnreadablePicture,
    UnusableNumbers,
    open_color_picture,
    plain_pixels,
    to_plain_rgb,
)

RNG = np.random.default_rng(0)


def tiff(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def saved(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "uint32", "int16", "int32", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_gray_tiff_of_any_number(dtype, options):
    pixels = (RNG.random((20, 30)) * 100 - (dtype[0] != "u") * 50).astype(dtype)
    encoded = tiff(pixels, photometric="minisblack", **options)
    np.testing.assert_array_equal(read_channels(encoded)[..., 0], pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("count", [2, 3, 4, 7])
@pytest.mark.parametrize("planar", ["contig", "separate", "pages", "imagej"])
def test_many_channels_beside_each_other_in_planes_or_in_pages(dtype, count, planar):
    pixels = (RNG.random((18, 24, count)) * 200).astype(dtype)
    planes = np.moveaxis(pixels, -1, 0).copy()
    if planar == "contig":
        encoded = tiff(pixels, photometric="minisblack", planarconfig="contig", metadata=None)
    elif planar == "separate":
        encoded = tiff(planes, photometric="minisblack", planarconfig="separate", metadata=None)
    elif planar == "pages":
        encoded = tiff(planes, photometric="minisblack")
    else:
        encoded = tiff(planes, photometric="minisblack", imagej=True, metadata={"axes": "CYX"})
    np.testing.assert_array_equal(read_channels(encoded), pixels)


def test_ome_tiff_with_channels():
    planes = RNG.integers(0, 4096, (3, 18, 24), dtype=np.uint16)
    encoded = tiff(planes, photometric="minisblack", ome=True, metadata={"axes": "CYX"})
    np.testing.assert_array_equal(np.moveaxis(read_channels(encoded), -1, 0), planes)


def test_stacks_and_films_are_refused():
    for axes in ("ZYX", "TYX"):
        encoded = tiff(np.zeros((3, 8, 9), np.uint8), ome=True, metadata={"axes": axes})
        with pytest.raises(UnusableNumbers, match=f"stack or film \\({axes[0]} of 3"):
            read_channels(encoded)


def test_complex_numbers_are_refused():
    with pytest.raises(UnusableNumbers, match="complex64"):
        read_channels(tiff(np.zeros((8, 9), np.complex64)))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_keeps_its_bits(channels, dtype):
    pixels = RNG.integers(0, np.iinfo(dtype).max, (20, 30, channels)).astype(dtype)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    encoded = cv2.imencode(".png", pixels[..., order])[1].tobytes()
    np.testing.assert_array_equal(read_channels(encoded), pixels)


def test_other_files_are_read_as_pictures():
    pixels = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x112] = 6
    for encoded in (
        saved(Image.fromarray(pixels), "BMP"),
        saved(Image.fromarray(pixels), "TIFF", compression="tiff_lzw"),
        saved(Image.fromarray(np.rot90(pixels)), "PNG", exif=exif),
    ):
        np.testing.assert_array_equal(read_channels(encoded), pixels)
    palette = Image.fromarray(pixels).convert("P")
    for kind in ("PNG", "TIFF", "GIF"):
        np.testing.assert_array_equal(
            read_channels(saved(palette, kind)), np.asarray(palette.convert("RGB"))
        )


def test_lzw_of_sixteen_bits():
    pixels = RNG.integers(0, 65_536, (20, 30)).astype(np.uint16)
    encoded = saved(Image.fromarray(pixels), "TIFF", compression="tiff_lzw")
    np.testing.assert_array_equal(read_channels(encoded)[..., 0], pixels)


def test_white_that_is_zero_is_turned_around():
    pixels = RNG.integers(0, 4096, (20, 30)).astype(np.uint16)
    encoded = tiff(pixels, photometric="miniswhite")
    np.testing.assert_array_equal(read_channels(encoded)[..., 0], 65_535 - pixels)


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"rowsperstrip": 4}, {"tile": (16, 16)}]
)
def test_half_a_tiff_is_refused(options):
    encoded = tiff(RNG.integers(0, 65_536, (64, 64)).astype(np.uint16), **options)
    for size in (0, 5, 100, len(encoded) // 2, len(encoded) - 600):
        with pytest.raises(UnreadablePicture):
            read_channels(encoded[:size])


def test_half_a_deep_png_is_refused():
    encoded = cv2.imencode(".png", RNG.integers(0, 65_536, (64, 64, 3)).astype(np.uint16))[
        1
    ].tobytes()
    for size in (40, len(encoded) // 2, len(encoded) - 3):
        with pytest.raises(UnreadablePicture):
            read_channels(encoded[:size])


def test_the_limit_of_pixels():
    for encoded in (tiff(np.zeros((8, 9), np.float32)), saved(Image.new("RGB", (9, 8)), "PNG")):
        with pytest.raises(TooManyPixels, match=r"9 x 8, which is 72"):
            read_channels(encoded, max_pixels=71)


def test_a_mapped_picture_becomes_a_plain_file():
    pixels = RNG.random((20, 30, 5)).astype(np.float32)
    mapping = ChannelMapping((4, 2, 0), (1, 99))
    encoded = tiff(pixels, photometric="minisblack", planarconfig="contig", metadata=None)
    plain, done = to_plain_rgb(encoded, open_picture(encoded, mapping=mapping), turn=True)
    np.testing.assert_array_equal(plain_pixels(plain), mapping.apply(pixels))
    assert done == "mapped file, converted"


def test_without_a_mapping_nothing_changes():
    encoded = saved(Image.fromarray(RNG.integers(0, 256, (9, 8, 3), dtype=np.uint8)), "JPEG")
    one, other = open_picture(encoded), open_color_picture(encoded)
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    with pytest.raises(UnusableNumbers):
        open_picture(tiff(np.zeros((8, 9), np.float32)))


def test_a_missing_channel_is_named():
    with pytest.raises(UnusableNumbers, match="1 channels, and channel 2"):
        open_picture(tiff(np.zeros((8, 9), np.float32)), mapping=ChannelMapping((2,)))
