"""The REST client and a model that maps the channels of its pictures."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from maskconver_tf.export.served_model.mapped_files import MESSAGE
from maskconver_tf.files.channels.mapped_png import encode_mapped, is_marked
from maskconver_tf.serving.calls.failures import PictureRefused
from maskconver_tf.serving.client import RestClient
from tests.unit.serving.fake_model import CATEGORIES, FakeModel, bright_map
from tests.unit.serving.mapped_model import CHANNELS, MAPPED, MAPPING, mapped_loader, tiff
from tests.unit.serving.scripted_server import http_answer, scripted_server


@pytest.fixture
def mapped(serve):
    """A server of a model with a mapping."""
    with serve(FakeModel(), load=mapped_loader()) as running:
        yield running


@pytest.mark.parametrize("categories", [None, MAPPED], ids=["asked", "given"])
def test_files_of_many_channels_are_mapped_and_shown_as_the_model_sees_them(mapped, categories):
    client, expected = RestClient(mapped.url, categories=categories), MAPPING.apply(CHANNELS)
    for given in (tiff(CHANNELS), encode_mapped(tiff(CHANNELS), MAPPING), expected):
        found = client.segment(given)
        np.testing.assert_array_equal(found.image, expected)
        np.testing.assert_array_equal(found.panoptic_map, bright_map(expected))
    assert client.categories.pictures == MAPPING


@pytest.mark.parametrize("categories", [None, MAPPED], ids=["asked", "given"])
def test_a_picture_without_the_channels_is_refused_alone_and_says_why(mapped, categories):
    client = RestClient(mapped.url, categories=categories)
    few = tiff(CHANNELS[..., :2].copy())
    bad, good, empty = client.segment_batch([few, tiff(CHANNELS), b""])
    assert isinstance(bad, PictureRefused) and bad.status == 4
    assert "2 channels, and channel 3 (counted from 0) is wanted" in str(bad)
    np.testing.assert_array_equal(good.panoptic_map, bright_map(MAPPING.apply(CHANNELS)))
    assert empty.status == 1
    with pytest.raises(PictureRefused, match="the channels of its training"):
        client.segment(few)


def test_a_folder_has_its_tiff_files(mapped, tmp_path):
    for name, content in (("a.tif", tiff(CHANNELS)), ("b.TIFF", tiff(CHANNELS)), ("c.txt", b"")):
        (tmp_path / name).write_bytes(content)
    found = dict(RestClient(mapped.url).segment_folder(tmp_path))
    assert [path.name for path in found] == ["a.tif", "b.TIFF"]
    assert not any(isinstance(each, PictureRefused) for each in found.values())


def test_a_model_server_without_a_mapping_of_its_own_gets_mapped_files():
    refusal = {"status": 5, "status_message": MESSAGE}
    answer = http_answer(200, {"predictions": [refusal]})
    with scripted_server(answer, answer) as (url, requests):
        with pytest.raises(
            PictureRefused, match="not mapped yet. Send the file to `maskconver serve`"
        ):
            RestClient(url, categories=CATEGORIES).segment(tiff(CHANNELS))
        with pytest.raises(PictureRefused):
            RestClient(url, categories=MAPPED).segment(tiff(CHANNELS))
    sent = [json.loads(r.partition(b"\r\n\r\n")[2])["instances"][0] for r in requests]
    raw, mapped_file = (base64.b64decode(row["encoded_images"]["b64"]) for row in sent)
    assert raw == tiff(CHANNELS) and is_marked(mapped_file)
    assert mapped_file == encode_mapped(raw, MAPPING)
