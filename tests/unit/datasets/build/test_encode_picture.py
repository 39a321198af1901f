"""A good picture becomes the record of its truth."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic


def _encode(folder):
    """Encodes the one picture of `folder`."""
    [picture] = CocoPanoptic(folder.images, folder.panoptic, folder.annotations).pictures
    return encode_picture(picture)


@pytest.fixture
def folder(make_coco_folder):
    return make_coco_folder(num_pictures=1)


def _segment_map(encoded):
    return np.asarray(Image.open(io.BytesIO(encoded.features["segments/map_png"][0])))


def test_a_good_picture_keeps_its_bytes_and_its_truth(folder):
    encoded = _encode(folder)
    assert encoded.features["image/encoded"] == [(folder.images / "0.jpg").read_bytes()]
    assert encoded.features["image/id"] == [b"10"]
    assert encoded.features["segments/ids"] == [2**24 - 1, 1000, 70_000, 70_001]
    assert encoded.features["segments/class_ids"] == [0, 1, 2, 2]
    assert encoded.features["segments/is_crowd"] == [0, 0, 0, 1]
    ids = np.array([0, 2**24 - 1, 1000, 70_000, 70_001])
    np.testing.assert_array_equal(ids[_segment_map(encoded)], folder.ids(0))
    assert encoded.areas.tolist() == [24, 312, 312, 60, 60]
    assert (encoded.num_merged, encoded.conversion) == (0, None)


def test_stuff_of_one_class_is_one_segment_and_things_stay_apart(folder):
    with folder.edit() as content:
        for info in content["annotations"][0]["segments_info"]:
            if info["category_id"] == 200:
                info["category_id"] = 7
    encoded = _encode(folder)
    assert encoded.features["segments/ids"] == [2**24 - 1, 70_000, 70_001]
    assert encoded.features["segments/class_ids"] == [0, 2, 2]
    assert encoded.areas.tolist() == [24, 624, 60, 60]
    assert encoded.num_merged == 1
    np.testing.assert_array_equal(
        _segment_map(encoded) == 1, np.isin(folder.ids(0), [2**24 - 1, 1000])
    )


def test_an_all_void_picture_is_good(folder):
    folder.paint(0, np.zeros([24, 32], int))
    with folder.edit() as content:
        content["annotations"][0]["segments_info"] = []
    encoded = _encode(folder)
    assert encoded.features["segments/ids"] == []
    assert encoded.areas.tolist() == [24 * 32]


def test_more_segments_than_a_byte_counts_are_kept_apart(folder):
    ids = np.arange(1, 24 * 32 + 1).reshape(24, 32) * 20_000
    folder.paint(0, ids)
    with folder.edit() as content:
        content["annotations"][0]["segments_info"] = [
            {"id": int(i), "category_id": 18} for i in ids.ravel()[::-1]
        ]
    np.testing.assert_array_equal(_segment_map(_encode(folder)).ravel(), np.arange(768, 0, -1))


def _store(folder, orientation, size=None):
    """Stores the picture as a camera with that orientation would, at `size` (width, height)."""
    exif = Image.Exif()
    exif[0x112] = orientation
    path = folder.images / "0.jpg"
    picture = Image.open(path)
    picture.resize(size or picture.size).save(path, exif=exif)


def test_the_size_of_the_truth_decides_whether_a_picture_is_turned(folder):
    _store(folder, 6, size=(24, 32))
    assert _encode(folder).conversion == "EXIF orientation, turned upright"
    _store(folder, 6, size=(32, 24))
    encoded = _encode(folder)
    assert encoded.conversion == "EXIF orientation, tag dropped"
    assert Image.open(io.BytesIO(encoded.features["image/encoded"][0])).size == (32, 24)


def test_areas_are_those_coco_lists(coco200):
    path = coco200 / "panoptic_train.json"
    listed = {
        annotation["image_id"]: [info["area"] for info in annotation["segments_info"]]
        for annotation in json.loads(path.read_text())["annotations"]
    }
    source = CocoPanoptic(coco200 / "images" / "train", coco200 / "panoptic" / "train", path)
    for picture in source.pictures.between(0, 20):
        encoded = encode_picture(picture)
        assert isinstance(encoded, EncodedPicture)
        assert encoded.areas[1:].tolist() == listed[picture.image_id]
