"""Each way a picture can be bad is found and named; a good one becomes the record of its truth."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.examine import Accepted, examine
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic


def _examine(folder):
    """The outcome of the one picture of `folder`."""
    [item] = CocoPanoptic(folder.images, folder.panoptic, folder.annotations).pictures
    return examine(item)


@pytest.fixture
def folder(make_coco_folder):
    return make_coco_folder(num_pictures=1)


def _segment_map(accepted):
    return np.asarray(Image.open(io.BytesIO(accepted.features["segments/map_png"][0])))


def test_a_good_picture_keeps_its_bytes_and_its_truth(folder):
    accepted = _examine(folder)
    assert accepted.features["image/encoded"] == [(folder.images / "0.jpg").read_bytes()]
    assert accepted.features["image/id"] == [b"10"]
    assert accepted.features["segments/ids"] == [2**24 - 1, 1000, 70_000, 70_001]
    assert accepted.features["segments/class_ids"] == [0, 1, 2, 2]
    assert accepted.features["segments/is_crowd"] == [0, 0, 0, 1]
    ids = np.array([0, 2**24 - 1, 1000, 70_000, 70_001])
    np.testing.assert_array_equal(ids[_segment_map(accepted)], folder.ids(0))
    assert accepted.areas.tolist() == [24, 312, 312, 60, 60]
    assert (accepted.num_merged, accepted.oddity) == (0, None)


def test_stuff_of_one_class_is_one_segment_and_things_stay_apart(folder):
    with folder.edit() as content:
        for info in content["annotations"][0]["segments_info"]:
            if info["category_id"] == 200:
                info["category_id"] = 7
    accepted = _examine(folder)
    assert accepted.features["segments/ids"] == [2**24 - 1, 70_000, 70_001]
    assert accepted.features["segments/class_ids"] == [0, 2, 2]
    assert accepted.areas.tolist() == [24, 624, 60, 60]
    assert accepted.num_merged == 1
    np.testing.assert_array_equal(
        _segment_map(accepted) == 1, np.isin(folder.ids(0), [2**24 - 1, 1000])
    )


def test_an_all_void_picture_is_good(folder):
    folder.paint(0, np.zeros([24, 32], int))
    with folder.edit() as content:
        content["annotations"][0]["segments_info"] = []
    accepted = _examine(folder)
    assert accepted.features["segments/ids"] == []
    assert accepted.areas.tolist() == [24 * 32]


def test_more_segments_than_a_byte_counts_are_kept_apart(folder):
    ids = np.arange(1, 24 * 32 + 1).reshape(24, 32) * 20_000
    folder.paint(0, ids)
    with folder.edit() as content:
        content["annotations"][0]["segments_info"] = [
            {"id": int(i), "category_id": 18} for i in ids.ravel()[::-1]
        ]
    np.testing.assert_array_equal(_segment_map(_examine(folder)).ravel(), np.arange(768, 0, -1))


# ---- Sizes and orientation -----------------------------------------------------------------------


def _store(folder, orientation, size=None):
    """Stores the picture as a camera with that orientation would, at `size` (width, height)."""
    exif = Image.Exif()
    exif[0x112] = orientation
    path = folder.images / "0.jpg"
    picture = Image.open(path)
    picture.resize(size or picture.size).save(path, exif=exif)


def test_truth_tells_whether_a_turned_picture_is_meant(folder):
    _store(folder, 6, size=(24, 32))
    assert _examine(folder).oddity == "EXIF orientation, turned upright"
    _store(folder, 6, size=(32, 24))
    accepted = _examine(folder)
    assert accepted.oddity == "EXIF orientation, tag dropped"
    assert Image.open(io.BytesIO(accepted.features["image/encoded"][0])).size == (32, 24)


def test_a_picture_that_fits_turned_and_not_is_refused(folder):
    _store(folder, 3)
    [finding] = _examine(folder)
    assert finding.problem is Problem.ORIENTATION
    assert finding.found == "orientation 3, and 32 x 24 either way"


# ---- Bad pictures --------------------------------------------------------------------------------


def _image(folder):
    return folder.images / "0.jpg"


def _map(folder):
    return folder.panoptic / "0.png"


def _cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def _edit_segment(**changes):
    def spoil(folder):
        with folder.edit() as content:
            content["annotations"][0]["segments_info"][1] |= changes

    return spoil


def _repeat_segment(folder):
    with folder.edit() as content:
        segments = content["annotations"][0]["segments_info"]
        segments.append(segments[0])


def _list_unpainted(folder):
    with folder.edit() as content:
        content["annotations"][0]["segments_info"].append({"id": 5, "category_id": 18})


def _widen_in_annotations(folder):
    with folder.edit() as content:
        content["images"][0]["width"] = 33


def _shrink_to_a_pixel(folder):
    Image.new("RGB", (1, 1)).save(_image(folder))
    Image.new("RGB", (1, 1)).save(_map(folder))
    with folder.edit() as content:
        content["images"][0] |= {"width": 1, "height": 1}
        content["annotations"][0]["segments_info"] = []


def _paint_unlisted(folder):
    ids = folder.ids(0)
    ids[0, 3:6] = [300, 301, 2**24 - 2]
    folder.paint(0, ids)


def _too_many(folder):
    ids = np.arange(1, 2**16 + 1).reshape(256, 256)
    folder.paint(0, ids)
    Image.new("RGB", (256, 256)).save(_image(folder))
    with folder.edit() as content:
        content["images"][0] |= {"width": 256, "height": 256}
        content["annotations"][0]["segments_info"] = [
            {"id": i, "category_id": 18} for i in range(1, 2**16 + 1)
        ]


def _as_floats(folder):
    Image.fromarray(np.zeros([24, 32], np.float32)).save(_image(folder), "TIFF")


@pytest.mark.parametrize(
    ("spoil", "problem", "file", "found"),
    [
        (lambda f: _image(f).unlink(), Problem.IMAGE_MISSING, _image, "does not exist"),
        (lambda f: _map(f).unlink(), Problem.MAP_MISSING, _map, "does not exist"),
        (lambda f: _cut(_image(f)), Problem.IMAGE_UNREADABLE, _image, "truncated"),
        (lambda f: _cut(_map(f)), Problem.MAP_UNREADABLE, _map, "truncated"),
        (lambda f: _image(f).write_bytes(b""), Problem.IMAGE_UNREADABLE, _image, "an empty file"),
        (
            lambda f: _map(f).write_bytes(_image(f).read_bytes()),
            Problem.MAP_UNREADABLE,
            _map,
            "not a PNG file",
        ),
        (_as_floats, Problem.IMAGE_DEPTH, _image, "mode F"),
        (_shrink_to_a_pixel, Problem.TOO_SMALL, _image, "1 x 1"),
        (_widen_in_annotations, Problem.SIZE, _map, "32 x 24, and 33 x 24 in the annotations"),
        (
            lambda f: Image.new("RGB", (24, 32)).save(_image(f)),
            Problem.SIZE,
            _image,
            "24 x 32, and 32 x 24 in ",
        ),
        (_paint_unlisted, Problem.NOT_LISTED, _map, "id 300, 301, 16777214"),
        (_list_unpainted, Problem.NOT_PAINTED, _map, "id 5"),
        (
            _edit_segment(category_id=999),
            Problem.UNKNOWN_CATEGORY,
            lambda f: f.annotations,
            "0.jpg: segment id 1000 has category_id 999",
        ),
        (_edit_segment(iscrowd=1), Problem.STUFF_CROWD, _map, "id 1000"),
        (
            _repeat_segment,
            Problem.REPEATED_SEGMENT,
            lambda f: f.annotations,
            "0.jpg: segment id 16777215",
        ),
        (
            _edit_segment(iscrowd=2),
            Problem.MALFORMED_ENTRY,
            lambda f: f.annotations,
            "0.jpg: segment {'id': 1000",
        ),
        (_too_many, Problem.TOO_MANY_SEGMENTS, _map, "65536 segments"),
    ],
)
def test_a_bad_picture_gives_one_finding_that_names_the_file(folder, spoil, problem, file, found):
    spoil(folder)
    [finding] = _examine(folder)
    assert (finding.picture, finding.problem) == ("0.jpg", problem)
    assert finding.file == str(file(folder))
    assert found in finding.found


@pytest.mark.parametrize("bad_id", ["1000", 0, -5, 2**24, 1000.0, True, None])
def test_a_malformed_segment_is_named_and_its_pixels_are_unlisted(folder, bad_id):
    _edit_segment(id=bad_id)(folder)
    malformed, unlisted = _examine(folder)
    assert malformed.problem is Problem.MALFORMED_ENTRY
    assert malformed.found.startswith(f"0.jpg: segment {{'id': {bad_id!r}, ")
    assert (unlisted.problem, unlisted.found) == (Problem.NOT_LISTED, "id 1000")


def test_all_that_is_wrong_is_found_at_once(folder):
    _cut(_image(folder))
    _paint_unlisted(folder)
    _list_unpainted(folder)
    _edit_segment(category_id=999)(folder)
    assert {finding.problem for finding in _examine(folder)} == {
        Problem.IMAGE_UNREADABLE,
        Problem.NOT_LISTED,
        Problem.NOT_PAINTED,
        Problem.UNKNOWN_CATEGORY,
    }


def test_areas_are_those_coco_lists(coco200):
    path = coco200 / "panoptic_train.json"
    listed = {
        annotation["image_id"]: [info["area"] for info in annotation["segments_info"]]
        for annotation in json.loads(path.read_text())["annotations"]
    }
    source = CocoPanoptic(coco200 / "images" / "train", coco200 / "panoptic" / "train", path)
    for item in source.pictures.between(0, 20):
        accepted = examine(item)
        assert isinstance(accepted, Accepted)
        assert accepted.areas[1:].tolist() == listed[item.image_id]
