"""A server maps the channels of pictures for a model that was trained on mapped ones."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.files.id_map import rgb_to_ids
from tests.unit.serving.fake_model import FakeModel, bright_map
from tests.unit.serving.mapped_model import CHANNELS, MAPPING, mapped_loader, tiff


@pytest.fixture
def mapped(serve):
    """A server of a model with a mapping."""
    with serve(FakeModel(), limits={"max_pixels": 5000}, load=mapped_loader()) as running:
        yield running


def test_segment_answers_for_the_mapped_picture(mapped):
    expected = bright_map(MAPPING.apply(CHANNELS))
    assert set(np.unique(expected)) == {1, 2}
    answer = mapped.send("POST", "/segment", tiff(CHANNELS), {"Accept": "image/png"})
    assert answer.status == 200
    found = rgb_to_ids(np.asarray(Image.open(io.BytesIO(answer.body)).convert("RGB")))
    np.testing.assert_array_equal(found, expected)


def test_a_drawing_shows_the_mapped_picture(mapped):
    form = {"Accept": "image/png;profile=drawing"}
    answer = mapped.send("POST", "/segment", tiff(CHANNELS), form)
    drawn = np.asarray(Image.open(io.BytesIO(answer.body)).convert("RGB"))
    assert answer.status == 200
    assert drawn.shape[:2] == (20, 30)


def test_proposals_are_those_of_the_mapped_picture(mapped):
    form = {"Accept": "application/vnd.maskconver.proposals+json"}
    answer = mapped.send("POST", "/segment", tiff(CHANNELS), form)
    assert answer.status == 200
    assert (answer.json()["height"], answer.json()["width"]) == (20, 30)


def test_the_address_of_tensorflow_serving_maps_too(mapped):
    pixels = base64.b64encode(tiff(CHANNELS)).decode()
    body = json.dumps({"instances": [{"b64": pixels}] * 2})
    answer = mapped.send("POST", "/v1/models/maskconver:predict", body)
    assert answer.status == 200
    for row in answer.json()["predictions"]:
        png = base64.b64decode(row["panoptic_png_bytes"]["b64"])
        found = rgb_to_ids(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))
        np.testing.assert_array_equal(found, bright_map(MAPPING.apply(CHANNELS)))


def test_a_picture_without_the_channels_fails_no_other(mapped):
    large = np.zeros([100, 60, 4], np.uint16)
    files = [tiff(CHANNELS[..., :2].copy()), tiff(CHANNELS), b"", tiff(large)]
    body = json.dumps({"instances": [{"b64": base64.b64encode(each).decode()} for each in files]})
    answer = mapped.send("POST", "/v1/models/maskconver:predict", body)
    rows = answer.json()["predictions"]
    assert [row["status"] for row in rows] == [4, 0, 1, 3]
    assert "2 channels" in rows[0]["status_message"]
    assert "at most 5000" in rows[3]["status_message"]


@pytest.mark.parametrize("accept", ["application/json", "image/jpeg"])
def test_a_picture_without_the_channels_is_refused(mapped, accept):
    answer = mapped.send("POST", "/segment", tiff(CHANNELS[..., :2].copy()), {"Accept": accept})
    assert answer.status == 422
    assert b"2 channels, and channel 3 (counted from 0) is wanted" in answer.body


def test_a_file_that_is_no_picture_is_refused(mapped):
    answer = mapped.send("POST", "/segment", b"not a picture")
    assert answer.status == 422 and b"The picture is refused" in answer.body


def test_a_large_picture_is_refused(mapped):
    answer = mapped.send("POST", "/segment", tiff(np.zeros([100, 60, 4], np.uint16)))
    assert answer.status == 413 and b"at most 5000 are accepted" in answer.body
