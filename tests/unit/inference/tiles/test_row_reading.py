"""Rows of large files equal the picture that is read as a whole."""

import weakref

import numpy as np
import pytest
import tifffile
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.inference.predictor import read_image
from maskconver_tf.inference.tiles import row_reading
from maskconver_tf.inference.tiles.row_reading import PillowRows, TiffRows, read_rows

COLOR = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
GRAY = COLOR[..., 0]
DEEP = GRAY.astype(np.uint16) * 257
EXIF = Image.Exif()
EXIF[0x112] = 6


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    monkeypatch.setattr(row_reading, "SMALL_PIXELS", 100)


def check(path, kind):
    rows = read_rows(str(path))
    assert type(rows) is kind
    whole = read_image(path)
    assert (rows.height, rows.width) == whole.shape[:2]
    for start, end in ((0, 20), (13, 40), (5, 6), (41, rows.height), (0, rows.height)):
        np.testing.assert_array_equal(rows.read(start, end), whole[start:end])


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (COLOR, {}),
        (COLOR, {"rowsperstrip": 7}),
        (COLOR, {"rowsperstrip": 16, "compression": "zlib"}),
        (COLOR, {"rowsperstrip": 16, "compression": "zlib", "predictor": True}),
        (COLOR, {"tile": (32, 16)}),
        (COLOR, {"tile": (16, 128), "compression": "zlib"}),
        (GRAY, {"rowsperstrip": 9}),
        (DEEP, {"rowsperstrip": 9, "compression": "zlib"}),
        (DEEP, {"byteorder": ">", "tile": (16, 32)}),
    ],
)
def test_a_plain_tiff_is_decoded_piece_by_piece(tmp_path, pixels, options):
    path = tmp_path / "a.tif"
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(path, pixels, photometric=photometric, **options)
    check(path, TiffRows)


def test_a_tiff_with_packed_bits(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.tif", compression="packbits")
    check(tmp_path / "a.tif", TiffRows)


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "group4"])
def test_a_tiff_of_any_compression(tmp_path, compression):
    picture = Image.fromarray(GRAY > 99) if compression == "group4" else Image.fromarray(COLOR)
    picture.save(tmp_path / "a.tif", compression=compression)
    rows = read_rows(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(rows.read(13, 40), read_image(tmp_path / "a.tif")[13:40])


def test_decoded_pixels_go_with_the_last_row(tmp_path):
    Image.fromarray(COLOR).save(tmp_path / "a.png")
    rows = read_rows(str(tmp_path / "a.png"))
    rows.read(0, 60)
    decoded = weakref.ref(rows._picture)
    assert decoded() is not None
    rows.read(30, 70)
    assert decoded() is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(COLOR).save(tmp_path / "a.jpg", exif=exif)
    check(tmp_path / "a.jpg", PillowRows)


@pytest.mark.parametrize(
    ("picture", "options"),
    [
        (Image.fromarray(COLOR), {}),
        (Image.fromarray(COLOR), {"exif": EXIF}),
        (Image.fromarray(GRAY), {}),
        (Image.fromarray(DEEP), {}),
        (Image.fromarray(COLOR).convert("P"), {}),
        (Image.fromarray(np.dstack([COLOR, GRAY])), {}),
        (Image.fromarray(GRAY > 99), {}),
    ],
)
def test_a_png_of_any_kind(tmp_path, picture, options):
    picture.save(tmp_path / "a.png", **options)
    check(tmp_path / "a.png", PillowRows)


@pytest.mark.parametrize("mode", ["CMYK", "1", "P"])
def test_a_tiff_of_another_kind_is_read_by_pillow(tmp_path, mode):
    Image.fromarray(COLOR).convert(mode).save(tmp_path / "a.tif")
    check(tmp_path / "a.tif", PillowRows)


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_turned_tiff_is_read_by_pillow(tmp_path, orientation):
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(tmp_path / "a.tif", COLOR, photometric="rgb", extratags=[tag])
    check(tmp_path / "a.tif", PillowRows)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
def test_half_a_file_is_named(tmp_path, name):
    path = tmp_path / name
    if name == "a.tif":
        tifffile.imwrite(path, COLOR, photometric="rgb", rowsperstrip=8, compression="zlib")
    else:
        Image.fromarray(COLOR).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"{name}: not a readable picture"):
        rows = read_rows(str(path))
        rows.read(0, rows.height)


def test_the_limit_of_pixels(tmp_path):
    for name in ("a.png", "a.tif"):
        Image.fromarray(COLOR).save(tmp_path / name)
        with pytest.raises(UserError, match=r"90 x 70, which is 6300 pixels"):
            read_rows(str(tmp_path / name), max_pixels=6299)


def test_missing_files_and_other_numbers_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"gone\.tif: no such picture"):
        read_rows(str(tmp_path / "gone.tif"))
    tifffile.imwrite(tmp_path / "f.tif", COLOR[..., 0] / 255)
    with pytest.raises(UserError, match=r"f\.tif"):
        read_rows(str(tmp_path / "f.tif"))
