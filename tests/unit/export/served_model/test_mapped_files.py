"""What the graph of an export with a channel mapping decodes."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf.export.served_model import mapped_files
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.channels.mapped_png import encode_mapped
from maskconver_tf.files.graph_decoding import picture_status
from maskconver_tf.files.graph_decoding.any_picture import DecodedPicture

PIXELS = np.random.default_rng(0).integers(0, 256, [9, 14, 3]).astype(np.uint8)


def encoded(kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind)
    return out.getvalue()


@pytest.fixture
def decode(monkeypatch):
    """The function with a decoder of PNG alone, which is fast."""

    def plain(content, max_pixels):
        if not content.numpy():
            return DecodedPicture(tf.zeros([1, 1, 3], tf.uint8), picture_status.EMPTY, "empty")
        return DecodedPicture(tf.io.decode_png(content, channels=3), picture_status.OK, "")

    monkeypatch.setattr(mapped_files, "decode_any_picture", plain)
    return lambda content: mapped_files.decode_mapped_picture(tf.constant(content), 1000)


def test_a_mapped_picture_is_decoded(decode):
    mapping = ChannelMapping((2, 1, 0), (0, 50))
    found = decode(encode_mapped(encoded("PNG"), mapping))
    assert (found.status.numpy(), found.message.numpy()) == (picture_status.OK, b"")
    np.testing.assert_array_equal(found.image, mapping.apply(PIXELS))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_other_files_are_refused_with_the_way_out(decode, kind):
    found = decode(encoded(kind))
    assert found.status.numpy() == picture_status.UNSUPPORTED
    assert b"maps the channels of its pictures" in found.message.numpy()
    assert b"maskconver serve" in found.message.numpy()


@pytest.mark.parametrize("content", [b"x", b"\x89PNG\r\n\x1a\n", bytes(37), bytes(40)])
def test_short_files_are_refused(decode, content):
    assert decode(content).status.numpy() == picture_status.UNSUPPORTED


def test_an_empty_file_is_called_empty(decode):
    assert decode(b"").status.numpy() == picture_status.EMPTY
