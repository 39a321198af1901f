"""The PNG encoder loses nothing, on flat pictures and on noise."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.files.plain_png import encode_png


def _steep_counts() -> np.ndarray:
    """Values as frequent as Fibonacci numbers: an unlimited Huffman code would exceed 15 bits."""
    fibonacci = [1, 1]
    while len(fibonacci) < 24:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    values = np.repeat(np.arange(24), fibonacci).astype(np.uint8)
    # One row, so that the filter leaves the values as they are.
    return values[: values.size // 3 * 3].reshape(1, -1, 3)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.full((40, 70, 3), 200, np.uint8),
        np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3),
        np.random.default_rng(0).integers(0, 256, (61, 83, 3), dtype=np.uint8),
        _steep_counts(),
    ],
    ids=["one pixel", "flat", "ramp", "noise", "steep"],
)
def test_png_decodes_to_the_same_pixels(image):
    decoded = Image.open(io.BytesIO(encode_png(image)))
    assert decoded.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(decoded), image)
