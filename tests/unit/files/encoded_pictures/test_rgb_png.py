"""Other decoders read what was encoded."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.files.encoded_pictures.rgb_pixels import read_rgb_pixels
from maskconver_tf.files.encoded_pictures.rgb_png import encode_rgb_png
from maskconver_tf.files.id_map import ids_to_rgb, rgb_to_ids


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (64, 50), (300, 1000)])
@pytest.mark.parametrize("kind", ["noise", "blocks", "zeros"])
def test_pillow_and_kornia_read_the_pixels(size, kind):
    draw = np.random.default_rng(0)
    ids = draw.integers(0, 2**24, size)
    if kind == "blocks":
        ids = np.kron(ids[: size[0] // 8 + 1, : size[1] // 8 + 1], np.ones((8, 8), int))
        ids = ids[: size[0], : size[1]]
    picture = ids_to_rgb(ids * (kind != "zeros"))
    encoded = encode_rgb_png(picture)
    with Image.open(io.BytesIO(encoded)) as opened:
        assert (opened.mode, opened.size) == ("RGB", size[::-1])
        np.testing.assert_array_equal(np.asarray(opened), picture)
    found = read_rgb_pixels(encoded)
    assert found.ndim == 3  # The fast decoder took it.
    np.testing.assert_array_equal(found, picture)
    np.testing.assert_array_equal(rgb_to_ids(found), ids * (kind != "zeros"))


def test_a_map_is_about_as_small_as_that_of_pillow():
    y, x = np.mgrid[:480, :640]
    ids = (np.hypot(y - 240, x - 320) // 40).astype(np.int32) * 7919
    out = io.BytesIO()
    Image.fromarray(ids_to_rgb(ids)).save(out, "PNG")
    assert len(encode_rgb_png(ids_to_rgb(ids))) < 1.5 * len(out.getvalue())
