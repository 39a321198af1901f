"""An object that cannot be read never becomes background, stuff or another class."""

import copy
import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.build import refuse_bad_pictures
from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError

SIDE = 16
SQUARE = [[2, 2, 8, 2, 8, 8, 2, 8]]
CONTENT = {
    "images": [{"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE} for i in (1, 2)],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": SQUARE},
        {"id": 2, "image_id": 1, "category_id": 2, "segmentation": [[9, 9, 14, 9, 14, 14]]},
        {"id": 3, "image_id": 2, "category_id": 1, "segmentation": SQUARE},
    ],
    "categories": [{"id": 1, "name": "box"}, {"id": 2, "name": "tri"}],
}


@pytest.fixture
def open_source(tmp_path):
    """`open_source(content, **options)` opens two pictures of 16 x 16."""
    for name in ("1.png", "2.png"):
        Image.new("RGB", (SIDE, SIDE)).save(tmp_path / name)

    def open_source(content, **options):
        file = tmp_path / "instances.json"
        file.write_text(json.dumps(content), "utf-8")
        given = {"images": tmp_path, "annotations": file, "background": "rest"} | options
        return open_named_source("coco_instances", given)

    return open_source


def _changed(change, number=0):
    content = copy.deepcopy(CONTENT)
    change(content["annotations"][number])
    return content


def _findings_and_names(source):
    """Returns all findings, and the names of the pictures that a build with --skip_bad keeps."""
    findings, names = list(source.findings), []
    for picture in source.pictures:
        outcome = encode_picture(picture)
        if isinstance(outcome, EncodedPicture):
            names.append(outcome.name)
        else:
            findings += outcome
    return findings, names


@pytest.mark.parametrize(
    ("change", "problem", "found"),
    [
        (lambda a: a.pop("segmentation"), Problem.MALFORMED_ENTRY, "it has no segmentation"),
        (lambda a: a.update(segmentation=None), Problem.MALFORMED_ENTRY, "segmentation is null"),
        (lambda a: a.update(segmentation=[]), Problem.SHAPE, "no polygon"),
        (lambda a: a.update(segmentation="x"), Problem.SHAPE, "'x' (text)"),
        (
            lambda a: a.update(id=0),
            Problem.MALFORMED_ENTRY,
            "0 (a whole number) and must be a whol",
        ),
        (lambda a: a.update(id="7"), Problem.MALFORMED_ENTRY, "'7' (text) and must be a whole"),
        (lambda a: a.update(id=7.0), Problem.MALFORMED_ENTRY, "7.0 (a number with a decimal"),
        (lambda a: a.update(iscrowd="1"), Problem.MALFORMED_ENTRY, "iscrowd is '1' (text)"),
        (lambda a: a.update(category_id=3), Problem.UNKNOWN_CATEGORY, "category_id 3"),
        (lambda a: a.update(category_id=0), Problem.UNKNOWN_CATEGORY, "category_id 0"),
        (lambda a: a.update(category_id=True), Problem.UNKNOWN_CATEGORY, "True (true or false)"),
        (lambda a: a.update(category_id="1"), Problem.UNKNOWN_CATEGORY, "'1' (text)"),
        (lambda a: a.pop("category_id"), Problem.UNKNOWN_CATEGORY, "category_id missing"),
        (lambda a: a.update(image_id="1"), Problem.IMAGE_ID_TYPE, "'1' (text), images has id 1 (a"),
        (lambda a: a.update(image_id="001"), Problem.IMAGE_ID_TYPE, "'001' (text)"),
        (lambda a: a.update(image_id="1.png"), Problem.IMAGE_ID_TYPE, "'1.png' (text)"),
        (lambda a: a.update(image_id=1.0), Problem.IMAGE_ID_TYPE, "1.0 (a number with a decimal"),
        (
            lambda a: a.update(segmentation=[[x / SIDE for x in SQUARE[0]]]),
            Problem.NO_PIXEL,
            "from 0.125 to 0.5: they are probably shares of width and height",
        ),
        (
            lambda a: a.update(segmentation=[[0.01, 0.01, 0.99, 0.01, 0.99, 1.01, 0.01, 1.01]]),
            Problem.NO_PIXEL,
            "probably shares of width and height",
        ),
        (
            lambda a: a.update(segmentation=[[x + 100 for x in SQUARE[0]]]),
            Problem.NO_PIXEL,
            "the polygons cover no pixel; their coordinates lie from 102 to 108",
        ),
        (
            lambda a: a.update(segmentation={"size": [SIDE, SIDE], "counts": [SIDE**2]}),
            Problem.NO_PIXEL,
            "the run lengths mark no pixel",
        ),
    ],
)
def test_the_picture_of_an_unreadable_object_leaves(open_source, change, problem, found):
    findings, names = _findings_and_names(open_source(_changed(change)))
    assert [(f.problem, f.picture) for f in findings] == [(problem, "1.png")]
    assert found in findings[0].found
    assert names == ["2.png"]


@pytest.mark.parametrize("image_id", [None, [1], True, 77, 77.0, "x", "absent"])
def test_an_object_of_an_unknown_picture_cannot_be_skipped(open_source, image_id):
    def change(entry):
        entry.pop("image_id")
        if image_id != "absent":
            entry["image_id"] = image_id

    source = open_source(_changed(change))
    [finding] = source.findings
    assert finding.problem is Problem.LOST_ANNOTATION
    with pytest.raises(UserError, match="--skip_bad cannot help: an annotation names no picture"):
        refuse_bad_pictures(source, source.findings, num_bad=1, skip_bad=True)


@pytest.mark.parametrize("change", [str, float, lambda i: f"{i:012d}", lambda i: i + 100])
def test_annotations_that_all_name_no_picture_are_refused(open_source, change):
    content = copy.deepcopy(CONTENT)
    for entry in content["annotations"]:
        entry["image_id"] = change(entry["image_id"])
    with pytest.raises(UserError, match=r"has image_id .* images has id \d \(a whole number\)"):
        open_source(content)


def test_objects_of_unlisted_categories_are_neither_background_nor_stuff(open_source, tmp_path):
    content = CONTENT | {"categories": [{"id": 0, "name": "box"}, {"id": 1, "name": "tri"}]}
    for options in ({}, {"background": None}, _stuff(tmp_path, label=0)):
        source = open_source(content, **options)
        findings, names = _findings_and_names(source)
        assert [f.problem for f in findings] == [Problem.UNKNOWN_CATEGORY]
        assert findings[0].found == "1.png: annotation id 2 has category_id 2 (a whole number)"
        assert names == ["2.png"]
    assert open_source(content).categories[-1].id == 3  # 2 has objects.


def _stuff(folder, label):
    """Writes stuff with the category id 2 and PNG files of one label; returns the options."""
    (folder / "stuff").mkdir(exist_ok=True)
    for name in ("1.png", "2.png"):
        Image.new("L", (SIDE, SIDE), label).save(folder / "stuff" / name)
    (folder / "stuff.json").write_text(json.dumps([{"id": 2, "name": "sky", "isthing": 0}]))
    return {"stuff": folder / "stuff", "stuff_classes": folder / "stuff.json"}


def test_a_label_with_the_id_of_the_background_is_unknown(open_source, tmp_path):
    content = copy.deepcopy(CONTENT)
    del content["categories"][1], content["annotations"][1]
    for label, problems in ((2, []), (3, [Problem.UNKNOWN_LABEL] * 2)):
        source = open_source(content, **_stuff(tmp_path, label))
        assert source.categories[-1].id == 3
        assert [f.problem for f in _findings_and_names(source)[0]] == problems


def test_a_file_that_two_images_name_leaves(open_source):
    content = copy.deepcopy(CONTENT)
    content["images"].append(content["images"][0] | {"id": 3, "file_name": "./1.png"})
    content["annotations"][1]["image_id"] = 3
    findings, names = _findings_and_names(open_source(content))
    assert [f.problem for f in findings] == [Problem.SHARED_FILE]
    assert findings[0].found == "1.png: images has 2 entries of this file_name, id 1, 3"
    assert names == ["2.png"]


def test_a_sound_file_keeps_its_truth(open_source):
    findings, names = _findings_and_names(open_source(CONTENT))
    assert (findings, names) == ([], ["1.png", "2.png"])
    truth = next(iter(open_source(CONTENT).pictures)).read_truth()
    assert np.array_equal(truth.ids == 1, np.pad(np.ones([6, 6], bool), ((2, 8), (2, 8))))


@pytest.mark.parametrize("key", ["width", "height"])
@pytest.mark.parametrize("side", ["16", 16.0, 0, None, 10**12])
def test_a_size_that_is_no_number_of_pixels_is_named(open_source, key, side):
    content = copy.deepcopy(CONTENT)
    content["images"][0][key] = side
    findings, names = _findings_and_names(open_source(content))
    problem = Problem.SIZE if side == 10**12 else Problem.MALFORMED_ENTRY
    assert [f.problem for f in findings] == [problem]
    assert names == ["2.png"]
