"""Stored channels of every kind of file, against the array that was written."""

import io
import struct
import zlib

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
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"byteorder": ">"},
        {"compression": "lzw", "predictor": True, "byteorder": ">"},
        {"compression": "lzw", "rowsperstrip": 3},
        {"compression": "zstd", "tile": (16, 16)},
    ],
)
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


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_lzw_keeps_all_bits_of_all_channels(count, planar, predictor, dtype):
    pixels = (RNG.random((20, 30, count)) * 4000).astype(dtype)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0).copy()
    encoded = tiff(
        stored if count > 1 else pixels[..., 0],
        photometric="rgb" if count in (3, 4) else "minisblack",
        planarconfig=planar if count > 1 else None,
        compression="lzw",
        predictor=predictor,
        metadata=None,
    )
    np.testing.assert_array_equal(read_channels(encoded), pixels)


def test_libtiff_writes_what_is_read():
    pixels = RNG.integers(0, 65_536, (20, 30, 3)).astype(np.uint16)
    for one, options in ((pixels, [cv2.IMWRITE_TIFF_COMPRESSION, 5]), (pixels[..., 0], [])):
        encoded = cv2.imencode(".tiff", one[..., ::-1] if one.ndim == 3 else one, options)[1]
        np.testing.assert_array_equal(read_channels(encoded.tobytes()).squeeze(), one)
    encoded = saved(Image.fromarray(pixels[..., 0]), "TIFF", compression="tiff_lzw")
    np.testing.assert_array_equal(read_channels(encoded)[..., 0], pixels[..., 0])


def test_lossy_and_two_colored_tiffs_are_read_as_pillow_does():
    smooth = np.linspace(0, 255, 32 * 48 * 3).reshape(32, 48, 3).astype(np.uint8)
    for picture, kind, most in (
        (Image.fromarray(smooth), "jpeg", 2),
        (Image.fromarray(smooth).convert("CMYK"), "tiff_lzw", 0),
        (Image.fromarray(smooth[..., 0] > 99), "group4", 0),
    ):
        encoded = saved(picture, "TIFF", compression=kind)
        expected = np.asarray(picture.convert("RGB"), int)
        found = read_channels(encoded)
        found = found.astype(int) * (255 if found.dtype == bool else 1)
        assert np.abs(found - expected[..., : found.shape[-1]]).max() <= most, kind


def deep_png(pixels, color_type, exif=None):
    """A PNG with 16 bits by the specification, without filters."""
    height, width, _ = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8).reshape(height, -1)
    data = zlib.compress(np.insert(rows, 0, 0, axis=1).tobytes())
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    if exif is not None:
        chunks.insert(1, (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def test_a_deep_png_with_alpha_keeps_its_bits():
    pixels = RNG.integers(0, 4096, (20, 30, 2)).astype(np.uint16)
    np.testing.assert_array_equal(read_channels(deep_png(pixels, 4)), pixels)
    for size in (60, 1000):
        with pytest.raises(UnreadablePicture):
            read_channels(deep_png(pixels, 4)[:size])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_png_is_turned_as_a_shallow_one(orientation):
    pixels = RNG.integers(0, 256, (20, 30, 4)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x112] = orientation
    shallow = read_channels(saved(Image.fromarray(pixels), "PNG", exif=exif))
    for color_type, channels in ((2, [0, 1, 2]), (4, [0, 3]), (6, [0, 1, 2, 3])):
        deep = deep_png(pixels[..., channels] * np.uint16(257), color_type, exif)
        np.testing.assert_array_equal(read_channels(deep), shallow[..., channels] * np.uint16(257))


def test_white_that_is_zero_is_turned_around():
    pixels = RNG.integers(0, 4096, (20, 30)).astype(np.uint16)
    encoded = tiff(pixels, photometric="miniswhite")
    np.testing.assert_array_equal(read_channels(encoded)[..., 0], 65_535 - pixels)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True, "rowsperstrip": 8},
        {"rowsperstrip": 4},
        {"tile": (16, 16)},
    ],
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
    with pytest.raises(UnusableNumbers, match="1 channel, and channel 2"):
        open_picture(tiff(np.zeros((8, 9), np.float32)), mapping=ChannelMapping((2,)))
