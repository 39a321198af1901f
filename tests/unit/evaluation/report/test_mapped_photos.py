"""A report shows the photos of a model with a channel mapping as the model sees them."""

import io
import json

import numpy as np
import pytest
import tifffile

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.report.model_folders import ReportModel, run_mapping
from maskconver_tf.evaluation.report.picture_content import _decoded
from maskconver_tf.evaluation.report.report_truth import CocoTruth
from maskconver_tf.files.channels.channel_mapping import ChannelMapping

MAPPING = ChannelMapping((3, 1, 0), (0, 100))
CHANNELS = np.random.default_rng(0).integers(0, 900, [9, 14, 4]).astype(np.uint16)
CLASSES = Categories.from_coco([{"id": 7, "name": "cell", "isthing": 1}], "here")


@pytest.fixture
def truth(tmp_path):
    """The truth of one picture with four channels of 16 bits."""
    out = io.BytesIO()
    tifffile.imwrite(out, CHANNELS, photometric="minisblack", planarconfig="contig")
    (tmp_path / "a.tif").write_bytes(out.getvalue())
    images = [{"id": 1, "file_name": "a.tif", "height": 9, "width": 14}]
    (tmp_path / "truth.json").write_text(json.dumps({"images": images, "annotations": []}))

    def make(mapping):
        return CocoTruth(tmp_path / "truth.json", tmp_path, tmp_path, mapping)

    return make


def test_a_photo_is_mapped(truth):
    [photo] = truth(MAPPING).photos().values()
    np.testing.assert_array_equal(
        _decoded(photo.read(), "image 1", (9, 14)), MAPPING.apply(CHANNELS)
    )


def test_a_photo_without_the_channels_is_refused(truth):
    [photo] = truth(ChannelMapping((5,))).photos().values()
    with pytest.raises(UserError, match="4 channels, and channel 5"):
        _decoded(photo.read(), "image 1", (9, 14))


def test_the_mapping_is_that_of_a_run(tmp_path):
    for name, mapping in (("plain", None), ("mapped", MAPPING)):
        (tmp_path / name).mkdir()
        Categories(CLASSES.entries, mapping).save(tmp_path / name / "categories.json")
    models = [
        ReportModel(name, (tmp_path, tmp_path), run=run)
        for name, run in (("a", None), ("b", tmp_path / "plain"), ("c", tmp_path / "mapped"))
    ]
    assert run_mapping(models) == MAPPING
    assert run_mapping(models[:2]) is None
    assert run_mapping([ReportModel("d", (tmp_path, tmp_path), run=tmp_path / "gone")]) is None
