"""Pictures of all kinds become the same upright RGB; plain ones stay byte for byte."""

import io

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.files import pictures

RAMP = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
GRAY = RAMP[..., 0]


def _encode(picture, image_format, **options):
    encoded = io.BytesIO()
    picture.save(encoded, image_format, **options)
    return encoded.getvalue()


def _exif(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def _plain(encoded, turn=False):
    """What any decoder sees after `to_plain_rgb`, and the conversion."""
    plain, conversion = pictures.to_plain_rgb(encoded, pictures.open_color_picture(encoded), turn)
    decoded = Image.open(io.BytesIO(plain))
    assert decoded.mode == "RGB" and not decoded.getexif()
    return np.asarray(decoded), conversion


@pytest.mark.parametrize(
    ("mode", "image_format", "options"),
    [
        ("RGB", "JPEG", {}),
        ("RGB", "JPEG", {"progressive": True}),
        ("RGB", "PNG", {}),
        ("L", "JPEG", {}),
    ],
)
def test_a_file_that_decoders_agree_on_stays_byte_for_byte(mode, image_format, options):
    encoded = _encode(Image.fromarray(RAMP).convert(mode), image_format, **options)
    plain, conversion = pictures.to_plain_rgb(encoded, pictures.open_color_picture(encoded), False)
    assert plain == encoded
    assert conversion == (
        None if mode == "RGB" else "grayscale JPEG, kept as it is and read as RGB"
    )


@pytest.mark.parametrize(
    ("picture", "image_format", "expected", "conversion"),
    [
        (Image.fromarray(GRAY), "PNG", np.stack([GRAY] * 3, -1), "grayscale PNG"),
        (Image.fromarray(RAMP).quantize(), "PNG", RAMP, "palette PNG"),
        (Image.fromarray(RAMP).convert("RGBA"), "PNG", RAMP, "PNG with alpha"),
        (
            Image.fromarray(GRAY.astype(np.uint16) * 256 + 7),
            "PNG",
            np.stack([GRAY] * 3, -1),
            "16-bit PNG",
        ),
        (Image.fromarray(RAMP), "BMP", RAMP, "BMP file"),
        (Image.fromarray(RAMP), "TIFF", RAMP, "TIFF file"),
    ],
)
def test_a_file_that_decoders_may_disagree_on_becomes_rgb_without_loss(
    picture, image_format, expected, conversion
):
    pixels, found = _plain(_encode(picture, image_format))
    np.testing.assert_array_equal(pixels, expected)
    assert found == f"{conversion}, converted"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("most", "is_dark"), [(4095, True), (16_383, True), (16_384, False)])
def test_sixteen_bits_that_become_nearly_black_are_told(kind, most, is_dark):
    gray = np.linspace(0, most, 64).reshape(8, 8).round().astype(np.uint16)
    pixels, found = _plain(_encode(Image.fromarray(gray), kind))
    np.testing.assert_array_equal(pixels[..., 0], gray >> 8)
    assert found.endswith("converted; nearly black" if is_dark else "converted")
    eight = _plain(_encode(Image.fromarray((gray >> 10).astype(np.uint8)), kind))[1]
    assert eight.endswith("converted"), "8 bits are as dark as the file says"


def test_cmyk_becomes_rgb():
    red = np.full([8, 8, 3], (200, 30, 40), np.uint8)
    pixels, conversion = _plain(_encode(Image.fromarray(red).convert("CMYK"), "JPEG", quality=100))
    np.testing.assert_allclose(pixels.astype(int), red, atol=3)
    assert conversion == "CMYK JPEG, converted"


# The upright picture is a 2 x 3 block of letters; each orientation as EXIF defines it: where the
# stored row 0 and column 0 lie in the upright picture.
UPRIGHT = np.array([list("abc"), list("def")])
STORED = {
    2: ["cba", "fed"],
    3: ["fed", "cba"],
    4: ["def", "abc"],
    5: ["ad", "be", "cf"],
    6: ["cf", "be", "ad"],
    7: ["fc", "eb", "da"],
    8: ["da", "eb", "fc"],
}


def _paint(letters):
    gray = np.array([[ord(letter) for letter in row] for row in letters], np.uint8)
    return np.stack([gray] * 3, -1)


@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_applied_or_dropped(orientation):
    stored = _paint(STORED[orientation])
    encoded = _encode(Image.fromarray(stored), "PNG", exif=_exif(orientation))
    pixels, conversion = _plain(encoded, turn=True)
    np.testing.assert_array_equal(pixels, _paint(UPRIGHT))
    assert conversion == "EXIF orientation, turned upright"
    pixels, conversion = _plain(encoded, turn=False)
    np.testing.assert_array_equal(pixels, stored)
    assert conversion == "EXIF orientation, tag dropped"
    assert pictures.upright_size(pictures.open_color_picture(encoded)) == (3, 2)


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_an_invalid_orientation_changes_nothing(orientation):
    encoded = _encode(Image.fromarray(RAMP), "JPEG", exif=_exif(orientation))
    plain, conversion = pictures.to_plain_rgb(encoded, pictures.open_color_picture(encoded), False)
    assert (plain, conversion) == (encoded, None)


JPEG = _encode(Image.fromarray(np.tile(RAMP, (8, 8, 1))), "JPEG")
PNG = _encode(Image.fromarray(np.tile(RAMP, (8, 8, 1))), "PNG")


@pytest.mark.parametrize(
    ("encoded", "formats", "found"),
    [
        (b"", None, "an empty file"),
        (b"<html>", None, "not a picture"),
        (JPEG[: len(JPEG) // 2], None, "[Tt]runcated"),
        (JPEG[:-2], None, "truncated"),
        (PNG[: len(PNG) // 2], None, "truncated"),
        (PNG[:60] + b"\0\0\0\0" + PNG[64:], None, "broken"),
        (JPEG, ("PNG", "TIFF"), "not a PNG or TIFF file"),
    ],
)
def test_a_damaged_file_is_named(encoded, formats, found):
    with pytest.raises(pictures.UnreadablePicture, match=found):
        pictures.load_pixels(encoded, pictures.open_header(encoded, formats))
