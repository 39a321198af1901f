"""A mapped picture as a PNG for an export."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.channels.mapped_png import (
    MARK,
    MARK_AT,
    encode_mapped,
    is_marked,
    open_mapped,
)
from maskconver_tf.files.pictures import TooManyPixels, UnusableNumbers

MAPPING = ChannelMapping((3, 1, 0), (0, 100))


def tiff(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, photometric="minisblack", planarconfig="contig")
    return out.getvalue()


@pytest.fixture
def channels():
    return np.random.default_rng(0).integers(0, 4096, [11, 17, 4]).astype(np.uint16)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_the_file_holds_the_mapped_picture_and_a_mark(channels, kind):
    content = encode_mapped(tiff(channels.astype(kind)), MAPPING)
    assert content[MARK_AT : MARK_AT + 4] == MARK
    with Image.open(io.BytesIO(content)) as picture:
        picture.verify()
    found = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(found, MAPPING.apply(channels.astype(kind)))


def test_a_mapped_file_is_not_mapped_again(channels):
    content = encode_mapped(tiff(channels), MAPPING)
    assert is_marked(content) and not is_marked(tiff(channels)) and not is_marked(b"")
    other = ChannelMapping((0, 1, 2), (10, 90))
    assert encode_mapped(content, other) == content
    for each in (content, tiff(channels)):
        np.testing.assert_array_equal(open_mapped(each, MAPPING), MAPPING.apply(channels))
    np.testing.assert_array_equal(open_mapped(content, other), MAPPING.apply(channels))


def test_a_picture_without_the_channels_is_refused(channels):
    with pytest.raises(UnusableNumbers, match="channel 3"):
        encode_mapped(tiff(channels[..., :3].copy()), MAPPING)


def test_a_large_picture_is_refused(channels):
    with pytest.raises(TooManyPixels, match="17 x 11"):
        encode_mapped(tiff(channels), MAPPING, max_pixels=100)
