"""Rows of a picture that is decoded once: no row too many, damage is found."""

import io

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.files.picture_rows import load_upright, rows_to_rgb, size_upright
from maskconver_tf.files.pictures import UnreadablePicture

COLOR = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def encode(kind, **options):
    file = io.BytesIO()
    Image.fromarray(COLOR).save(file, kind, **options)
    return file.getvalue()


def test_the_last_row_is_that_of_the_picture():
    encoded = encode("PNG")
    assert size_upright(encoded) == (20, 12)
    np.testing.assert_array_equal(rows_to_rgb(load_upright(encoded), 20, 11, 12), COLOR[11:])


def test_a_turned_picture_has_its_sides_exchanged():
    exif = Image.Exif()
    exif[0x112] = 8
    encoded = encode("PNG", exif=exif)
    assert size_upright(encoded) == (12, 20)
    np.testing.assert_array_equal(rows_to_rgb(load_upright(encoded), 12, 0, 20), np.rot90(COLOR))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damage_is_found(kind):
    encoded = encode(kind)
    for size in (len(encoded) // 2, len(encoded) - 12):
        with pytest.raises(UnreadablePicture):
            load_upright(encoded[:size])
