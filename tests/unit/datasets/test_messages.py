"""Each refusal of a dataset names the file, what was found with its type, and the way out.

No message may say that it expected what it found.
"""

import json
import re

import pytest

from maskconver_tf.datasets.build.build import choose_num_shards, num_workers
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from tests.lint.messages.message_rules import WAY_OUT
from tests.unit.datasets.small_sources import CATEGORIES, SIDE, SmallSources


@pytest.fixture
def world(tmp_path):
    return SmallSources(tmp_path)


def _assert_names(message: str, file: str, found: str) -> None:
    assert file in message
    assert found in message
    assert not message.endswith(".")
    assert WAY_OUT.search(message), message


ENTRY_CASES = [
    # Changes an annotation of the instances file: what the message must show.
    (lambda a: a.update(id="7"), "its id is '7' (text) and must be a whole number from 1"),
    (
        lambda a: a.update(id=7.0),
        "its id is 7.0 (a number with a decimal point) and must be a whole",
    ),
    (lambda a: a.update(id=2**62), "its id is 4611686018427387904 (a whole number) and must be"),
    (lambda a: a.update(iscrowd="1"), "its iscrowd is '1' (text) and must be the number 0 or 1"),
    (lambda a: a.update(iscrowd=[1]), "its iscrowd is [1] (a list) and must be the number 0 or 1"),
    (lambda a: a.update(category_id="1"), "category_id '1' (text)"),
    (lambda a: a.update(category_id=1.0), "category_id 1.0 (a number with a decimal point)"),
    (lambda a: a.update(category_id=True), "category_id True (true or false)"),
    (lambda a: a.pop("category_id"), "category_id missing"),
    (lambda a: a.update(image_id=1.0), "annotations has image_id 1.0 (a number with a decimal"),
    (lambda a: a.update(image_id=" 1"), "image_id ' 1' (text), images has id 1 (a whole number)"),
    (lambda a: a.update(image_id=9), "image_id 9 (a whole number) is the id of no entry of images"),
    (
        lambda a: a.update(Segmentation=a.pop("segmentation")),
        "no segmentation, which must be polygons or run lengths; found 'Segmentation' instead "
        "(character 1 is 'S' here, not 's')",
    ),
    (lambda a: a.update(segmentation=[["2", 2, 8, 2, 8, 8]]), "found '2' (text), but the coord"),
    (
        lambda a: a.update(segmentation=[2, 2, 8, 2, 8, 8]),
        "found 2 (a whole number), but a polygon",
    ),
    (lambda a: a.update(segmentation=[[2, 2, 8, 2]]), "found a list of 4 numbers, but a polygon"),
    (lambda a: a.update(segmentation="x"), "it is 'x' (text), not polygons or run lengths"),
    (
        lambda a: a.update(segmentation={"size": ["16", "16"], "counts": [0, 256]}),
        "size '16' (text), '16' (text), not height 16 and width 16",
    ),
    (
        lambda a: a.update(segmentation={"size": [SIDE, SIDE], "count": [0, 256]}),
        "it has no counts; found 'count' instead",
    ),
    (
        lambda a: a.update(segmentation={"size": [SIDE, SIDE], "counts": [0, 255.0]}),
        "found 255.0 (a number with a decimal point), but runs are whole numbers",
    ),
    (
        lambda a: a.update(segmentation={"size": [SIDE, SIDE], "counts": [0, 255]}),
        "runs add up to 255 pixels, not 16 x 16 = 256",
    ),
    (
        lambda a: a.update(segmentation={"size": [SIDE, SIDE], "counts": 256}),
        "counts is 256 (a whole number), not a list or text",
    ),
]


@pytest.mark.parametrize(("change", "found"), ENTRY_CASES, ids=[case[1] for case in ENTRY_CASES])
def test_a_wrong_annotation_is_shown_with_its_type_and_once(world, change, found):
    change(world.instances["annotations"][0])
    message = world.refusal("coco_instances")
    _assert_names(message, str(world.root / "instances.json"), found)
    assert message.count("    way out: ") == 1, message


SEGMENT_CASES = [
    (lambda s: s.update(id="5"), "its id is '5' (text) and must be a whole number from 1"),
    (lambda s: s.update(id=5.0), "its id is 5.0 (a number with a decimal point) and must be"),
    (lambda s: s.update(category_id="1"), "its category_id is '1' (text) and must be a whole"),
    (lambda s: s.update(category_id=3), "segment id 5 has category_id 3"),
    (lambda s: s.update(iscrowd="0"), "its iscrowd is '0' (text) and must be the number 0 or 1"),
    (
        lambda s: s.update(category_Id=s.pop("category_id")),
        "found 'category_Id' instead (character 10 is 'I' here, not 'i')",
    ),
]


@pytest.mark.parametrize(("change", "found"), SEGMENT_CASES, ids=[c[1] for c in SEGMENT_CASES])
def test_a_wrong_segment_is_shown_with_its_type_and_once(world, change, found):
    change(world.panoptic["annotations"][0]["segments_info"][0])
    message = world.refusal("coco_panoptic")
    _assert_names(message, str(world.root / "panoptic.json"), found)
    assert message.count("    way out: ") == 1, message


FILE_CASES = [
    # Changes the class list: what the message must show.
    ([], "the category list is [] (a list)"),
    ({"id": 1}, "the category list is {'id': 1} (an object)"),
    (["box"], "category 0 (counted from 0) is 'box' (text)"),
    ([{"id": "1", "name": "box", "isthing": 1}], "id '1' (text); expected a whole number from 0"),
    ([{"id": True, "name": "box", "isthing": 1}], "id True (true or false); expected a whole"),
    ([{"id": 1, "name": "box", "isthing": "1"}], "isthing '1' (text); expected the number 1"),
    ([{"id": 1, "name": " ", "isthing": 1}], "name ' ' (text); expected text that is not blank"),
    (
        [{"id": 1, "name": "box", "is_thing": 1}],
        "lacks isthing; found 'is_thing' instead",
    ),
    (
        [CATEGORIES[0]] * 2,
        "categories 0 and 1 (counted from 0) both have the id 1 (a whole number)",
    ),
]


@pytest.mark.parametrize(("classes", "found"), FILE_CASES, ids=[case[1] for case in FILE_CASES])
def test_a_wrong_class_list_is_named(world, classes, found):
    world.classes = classes
    message = world.refusal("png_folders")
    _assert_names(message, str(world.root / "classes.json"), found)
    assert message.count("classes.json") == 1


OPTION_CASES = [
    ("coco_panoptc", {}, "--source coco_panoptc", "did you mean"),
    ("coco_panoptic ", {}, "--source coco_panoptic", "character 14 is U+0020 (space) here"),
    ("Png_folders", {}, "--source Png_folders", "character 1 is 'P' here, not 'p'"),
    ("png_folders", {"void_ids": "0 255"}, "--void_ids 0 255", "with commas between them"),
    ("png_folders", {"max_pixels": "1,000"}, "--max_pixels 1,000", "the digits 0 to 9 only"),
    ("coco_instances", {"background": "box"}, "--background box", "already has this name"),
    ("coco_instances", {"background": " "}, "--background ' '", "a blank name"),
    ("coco_instances", {"panoptic": "x"}, "--panoptic", "belongs to coco_panoptic, two_channel"),
    ("cityscapes", {"root": ".", "split": "val", "truth": "Auto"}, "--truth Auto", "not 'a'"),
]


@pytest.mark.parametrize(("source", "options", "option", "found"), OPTION_CASES)
def test_a_wrong_option_is_named(world, source, options, option, found):
    if source == "cityscapes":
        options = options | {"images": None}
    _assert_names(world.refusal(source, **options), option, found)


def test_an_equal_name_of_stuff_is_refused_by_its_own_file(world):
    world.stuff = [{"id": 4, "name": "box", "isthing": 0}]
    (world.root / "panoptic" / "1.png").unlink()
    options = {
        "stuff": str(world.root / "panoptic"),
        "stuff_classes": str(world.root / "stuff.json"),
    }
    message = world.refusal("coco_instances", **options)
    _assert_names(message, str(world.root / "stuff.json"), "both have the name 'box' (text)")


@pytest.mark.parametrize(
    ("listed", "stored", "found"),
    [
        ("1.png", "1.PNG", "does not exist, but '1.PNG' does: character 3 is 'p' here, not 'P'"),
        ("1.png", "1.png ", "the given name ends before character 6, U+0020 (space)"),
        ("a\u00a01.png", "a 1.png", "character 2 is U+00A0 (no-break space) here, not U+0020"),
        ("O1.png", "01.png", "character 1 is 'O' here, not '0'"),
    ],
)
def test_a_picture_whose_name_looks_alike_is_told_apart(world, listed, stored, found):
    world.panoptic["images"][0]["file_name"] = listed
    (world.root / "images" / "1.png").rename(world.root / "images" / stored)
    _assert_names(world.refusal("coco_panoptic"), str(world.root / "images" / listed), found)


def test_a_label_file_whose_name_looks_alike_is_told_apart(world):
    for folder in ("semantic", "instances"):
        (world.root / folder / "1.png").rename(world.root / folder / "l.png")
    message = world.refusal("png_folders")
    found = "no picture is called l, but one is called 1: character 1 is 'l' here, not '1'"
    _assert_names(message, str(world.root / "semantic" / "l.png"), found)


def test_folders_and_files_whose_names_look_alike_are_told_apart(world):
    (world.root / "images").rename(world.root / "Images")
    _assert_names(
        world.refusal("png_folders"), "images: found nothing; expected", "did you mean 'Images'"
    )
    (world.root / "Images").rename(world.root / "images")
    wrong = str(world.root / "Classes.json")
    message = world.refusal("png_folders", classes=wrong)
    _assert_names(message, wrong, "found 'classes.json' instead (character 1 is 'c' here, not 'C')")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([1], "found [1] (a list); expected an object with the lists images"),
        ("images", "found 'images' (text); expected an object"),
        ({"images": {}, "annotations": [], "categories": []}, "images is {} (an object) and must"),
        (
            {"images": [], "annotations": [], "Categories": []},
            "categories missing; found 'Categories' instead (character 1 is 'C' here, not 'c')",
        ),
        ({"images": [], "annotations": [], "categories": []}, "the list images is empty"),
    ],
)
def test_an_annotations_file_of_another_form_is_named(world, content, found):
    world.panoptic = content
    message = world.refusal("coco_panoptic")
    _assert_names(message, str(world.root / "panoptic.json"), found)


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        ([], "format_version [] (a list); expected a whole number"),
        ({"format_version": "2"}, "format_version '2' (text); expected a whole number"),
        ({"format_version": 2.0}, "format_version 2.0 (a number with a decimal point); expected"),
        ({"format_version": 9}, "found format version 9, expected 2: a newer"),
        ({"format_version": 2}, "found format version 2 without num_examples"),
        (
            {
                "format_version": 2,
                "num_examples": 1,
                "categories_sha256": "",
                "shards": [{"name": 1}],
            },
            "shards has {'name': 1} (an object); expected a list of objects with name",
        ),
    ],
)
def test_a_wrong_manifest_is_named(tmp_path, manifest, found):
    (tmp_path / "dataset.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError) as raised:
        DatasetFolder(tmp_path)
    message = str(raised.value)
    _assert_names(message, str(tmp_path / "dataset.json"), found)
    version = re.search(r"version (\d+), expected (\d+)", message)
    assert version is None or version[1] != version[2]


def test_counts_out_of_range_are_named(world):
    world.refusal("png_folders", void_ids="x")  # Writes the files.
    source = open_named_source("png_folders", world.options("png_folders"))
    for count, call, option in (
        (0, choose_num_shards, "--num_shards 0: expected 1 to 2, the number of pictures; omit"),
        (3, choose_num_shards, "--num_shards 3: expected 1 to 2"),
    ):
        with pytest.raises(UserError, match=option):
            call(source, count)
    with pytest.raises(UserError, match="--workers -1: expected 1 or more; omit --workers"):
        num_workers(-1, 5)
