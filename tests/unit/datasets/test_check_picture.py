"""Each way in which a picture can be bad is found and named."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.check_picture import CheckedPicture, check_picture
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic


def _check(folder):
    """Checks the one picture of `folder`."""
    [picture] = CocoPanoptic(folder.images, folder.panoptic, folder.annotations).pictures
    return check_picture(picture)


@pytest.fixture
def folder(make_coco_folder):
    return make_coco_folder(num_pictures=1)


def test_a_picture_that_fits_turned_or_not_is_refused(folder):
    exif = Image.Exif()
    exif[0x112] = 3
    Image.open(_image(folder)).save(_image(folder), exif=exif)
    [finding] = _check(folder)
    assert finding.problem is Problem.ORIENTATION
    assert finding.found == "orientation 3, and 32 x 24 either way"


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


def _as_32_bits(folder):
    Image.fromarray(np.full([24, 32], 70_000, np.int32)).save(_image(folder), "TIFF")


def _as_png_without_end(folder):
    Image.open(_image(folder)).save(_image(folder), "PNG")
    _image(folder).write_bytes(_image(folder).read_bytes()[:-12])


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
            "not a PNG or TIFF file",
        ),
        (_as_floats, Problem.IMAGE_DEPTH, _image, "floats"),
        (_as_32_bits, Problem.IMAGE_DEPTH, _image, "whole numbers of 32 bits"),
        (_as_png_without_end, Problem.IMAGE_UNREADABLE, _image, "PNG without its end"),
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
    [finding] = _check(folder)
    assert (finding.picture, finding.problem) == ("0.jpg", problem)
    assert finding.file == str(file(folder))
    assert found in finding.found


def test_a_picture_with_more_pixels_than_the_limit_is_refused(folder):
    [picture] = CocoPanoptic(folder.images, folder.panoptic, folder.annotations).pictures
    image, truth = check_picture(dataclasses.replace(picture, max_pixels=32 * 24 - 1))
    assert {finding.problem for finding in (image, truth)} == {Problem.TOO_MANY_PIXELS}
    assert (image.file, truth.file) == (str(_image(folder)), str(_map(folder)))
    assert image.found == "32 x 24, which is 768 pixels"
    assert "--max_pixels" in image.problem.way_out
    checked = check_picture(dataclasses.replace(picture, max_pixels=32 * 24))
    assert isinstance(checked, CheckedPicture)


@pytest.mark.parametrize("bad_id", [0, -5, 2**24, True, None])
def test_a_malformed_segment_is_named_and_its_pixels_are_unlisted(folder, bad_id):
    _edit_segment(id=bad_id)(folder)
    malformed, unlisted = _check(folder)
    assert malformed.problem is Problem.MALFORMED_ENTRY
    assert malformed.found.startswith(f"0.jpg: segment {{'id': {bad_id!r}, ")
    assert (unlisted.problem, unlisted.found) == (Problem.NOT_LISTED, "id 1000")


def test_everything_that_is_wrong_is_found_at_once(folder):
    _cut(_image(folder))
    _paint_unlisted(folder)
    _list_unpainted(folder)
    _edit_segment(category_id=999)(folder)
    assert {finding.problem for finding in _check(folder)} == {
        Problem.IMAGE_UNREADABLE,
        Problem.NOT_LISTED,
        Problem.NOT_PAINTED,
        Problem.UNKNOWN_CATEGORY,
    }
