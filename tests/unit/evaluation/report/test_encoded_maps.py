"""Maps survive their coding exactly, also with more than 255 segments."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from maskconver_tf.evaluation.report.encoded_maps import encode_map, fit, resize_map


def decode(coded: dict) -> np.ndarray:
    """What the page does: maps.js, `decodeMap`."""
    width, height = coded["width"], coded["height"]
    values = list(zlib.decompress(base64.b64decode(coded["data"])))
    for i in range(width, len(values)):
        values[i] = (values[i] + values[i - width]) % 256
    size = width * height
    planes = [values[k * size : (k + 1) * size] for k in range(coded["planes"])]
    return sum(256**k * np.array(plane, np.int64) for k, plane in enumerate(planes)).reshape(
        height, width
    )


@pytest.mark.parametrize("most", [1, 255, 256, 65535])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 13)])
def test_a_map_comes_back(most, shape):
    positions = np.random.default_rng(most).integers(0, most + 1, shape)
    positions[-1, -1] = most
    coded = encode_map(positions)
    assert coded["planes"] == 1 + (most > 255)
    np.testing.assert_array_equal(decode(coded), positions)


def test_pixels_of_a_smaller_map_come_from_the_middle():
    positions = np.arange(4)[:, np.newaxis] * 10 + np.arange(6)
    np.testing.assert_array_equal(resize_map(positions, (2, 3)), [[11, 13, 15], [31, 33, 35]])
    np.testing.assert_array_equal(resize_map(positions, (4, 6)), positions)


def test_a_larger_map_repeats_pixels():
    np.testing.assert_array_equal(resize_map(np.array([[1, 2]]), (2, 4)), [[1, 1, 2, 2]] * 2)


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((480, 640), 640, (480, 640)),
        ((960, 1280), 640, (480, 640)),
        ((10, 20), 640, (10, 20)),
        ((1, 5000), 640, (1, 640)),
    ],
)
def test_only_large_pictures_are_reduced(size, longest, expected):
    assert fit(size, longest) == expected
