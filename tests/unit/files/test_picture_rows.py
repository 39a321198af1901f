"""Rows of a picture that is decoded once: no row too many, damage is found."""

import numpy as np
import pytest
from PIL import Image, ImageFile

from maskconver_tf.files.picture_rows import load_upright, rows_to_rgb, size_upright
from maskconver_tf.files.pictures import UnreadablePicture
from tests.unit.files.encoded_pictures.make_files import encode

COLOR = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


@pytest.fixture
def written(tmp_path):
    """`written(encoded)`: the path of a file with these bytes."""

    def write(encoded: bytes) -> str:
        path = tmp_path / "picture"
        path.write_bytes(encoded)
        return str(path)

    return write


def turned(orientation=8):
    exif = Image.Exif()
    exif[0x112] = orientation
    return encode(COLOR, "PNG", exif=exif)


def with_tags_last(encoded):
    """The PNG with its chunk eXIf behind the pixels."""
    begin = encoded.index(b"eXIf") - 4
    end = begin + 12 + int.from_bytes(encoded[begin : begin + 4], "big")
    return encoded[:begin] + encoded[end:-12] + encoded[begin:end] + encoded[-12:]


def test_the_last_row_is_that_of_the_picture(written):
    path = written(encode(COLOR, "PNG"))
    assert size_upright(path) == (20, 12)
    np.testing.assert_array_equal(rows_to_rgb(load_upright(path), 20, 11, 12), COLOR[11:])


@pytest.mark.parametrize("encoded", [turned(), with_tags_last(turned())], ids=["first", "last"])
def test_a_turned_picture_has_its_sides_exchanged(written, encoded):
    path = written(encoded)
    assert size_upright(path) == (12, 20)
    np.testing.assert_array_equal(rows_to_rgb(load_upright(path), 12, 0, 20), np.rot90(COLOR))


def test_the_size_is_known_before_the_pixels_are_decoded(written):
    encoded = turned()
    assert size_upright(written(encoded[: encoded.index(b"IDAT") + 8])) == (12, 20)


def test_pixels_are_decoded_once(written, monkeypatch):
    decoded = []
    decode = ImageFile.ImageFile.load

    def note(picture):
        decoded.append(picture.size)
        return decode(picture)

    monkeypatch.setattr(ImageFile.ImageFile, "load", note)
    path = written(encode(COLOR, "PNG"))
    size_upright(path)
    load_upright(path)
    # Besides, pictures of one pixel with the tags.
    assert [size for size in decoded if size != (1, 1)] == [(20, 13)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damage_is_found(written, kind):
    encoded = encode(COLOR, kind)
    for size in (len(encoded) // 2, len(encoded) - 12):
        with pytest.raises(UnreadablePicture):
            load_upright(written(encoded[:size]))
