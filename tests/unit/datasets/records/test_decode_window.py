"""A part of a record decodes to what that part of the whole is; a large one may come smaller."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.input import transforms

HEIGHT, WIDTH = 100, 133


def _parsed(image_format):
    rows, columns = np.indices([HEIGHT, WIDTH])
    waves = np.stack([np.sin(rows / 29), np.cos(columns / 27), np.sin((rows + columns) / 41)], -1)
    encoded = io.BytesIO()
    Image.fromarray((127 + 120 * waves).astype(np.uint8)).save(encoded, image_format)
    segment_map = (rows * WIDTH + columns).astype(np.uint16)
    record = codec.PanopticRecord(
        encoded.getvalue(), 1, "1", HEIGHT, WIDTH, segment_map, [1], [0], [0]
    )
    return codec.parse(codec.encode(record))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("begin", "extent"),
    [((0, 0), (HEIGHT, WIDTH)), ((37, 51), (20, 33)), ((99, 132), (1, 1)), ((0, 60), (100, 73))],
)
def test_a_window_is_that_part_of_the_whole(image_format, begin, extent):
    parsed = _parsed(image_format)
    whole = codec.decode(parsed)
    window = transforms.Window(*map(tf.constant, (begin, extent, extent)))
    image, segment_map = codec.decode_window(parsed, *window)
    expected = transforms.cut(whole[types.IMAGE], window).numpy()
    np.testing.assert_array_equal(image[:, 1:-1], expected[:, 1:-1])
    # A JPEG's colors are coarse, and at the sides of a cut those of the neighbor are not known.
    np.testing.assert_allclose(image.numpy().astype(int), expected, atol=12)
    np.testing.assert_array_equal(segment_map, transforms.cut(whole[types.SEGMENT_MAP], window))
    assert segment_map.dtype == tf.uint16


@pytest.mark.parametrize(
    ("size", "decoded"),
    [((51, 67), (100, 133)), ((50, 66), (50, 67)), ((25, 33), (25, 34)), ((1, 1), (13, 17))],
)
def test_a_jpeg_that_will_shrink_comes_at_least_as_large_as_needed(size, decoded):
    parsed = _parsed("JPEG")
    whole = tf.constant([0, 0]), tf.constant([HEIGHT, WIDTH]), tf.constant(size)
    image, segment_map = codec.decode_window(parsed, *whole)
    assert image.shape[:2] == decoded
    assert segment_map.shape == (HEIGHT, WIDTH)
    found = transforms.resize_image(image, whole[2]).numpy().astype(int)
    expected = transforms.resize_image(codec.decode(parsed)[types.IMAGE], whole[2])
    assert np.abs(found - expected.numpy()).mean() < 4


def test_a_png_and_a_part_never_shrink_while_they_are_decoded():
    for image_format, extent in (("PNG", (HEIGHT, WIDTH)), ("JPEG", (HEIGHT, 80))):
        image, _ = codec.decode_window(
            _parsed(image_format), tf.constant([0, 0]), tf.constant(extent), tf.constant([5, 5])
        )
        assert image.shape[:2] == extent
