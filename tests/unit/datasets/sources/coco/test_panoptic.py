"""COCO panoptic folders: what the source reads, and which files it refuses."""

import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.datasets.sources.source import SourceSegment, UnusablePicture
from maskconver_tf.errors import UserError


def _source(folder):
    return CocoPanoptic(folder.images, folder.panoptic, folder.annotations)


def test_pictures_follow_the_annotations_and_have_contiguous_classes(make_coco_folder):
    folder = make_coco_folder()
    with folder.edit() as content:
        content["annotations"].reverse()
    source = _source(folder)
    *others, last = source.pictures
    assert [item.name for item in others] == ["2.jpg", "1.jpg"]
    assert (last.name, last.image_id, last.size) == ("0.jpg", 10, (32, 24))
    assert tuple(segment._replace(area=None, bbox=None) for segment in last.segments) == (
        SourceSegment(2**24 - 1, 0, is_thing=False, is_crowd=False),
        SourceSegment(1000, 1, is_thing=False, is_crowd=False),
        SourceSegment(70_000, 2, is_thing=True, is_crowd=False),
        SourceSegment(70_001, 2, is_thing=True, is_crowd=True),
    )
    assert source.findings == []
    np.testing.assert_array_equal(last.read_ids(), folder.ids(0))


def test_ids_of_a_palette_png_are_its_colors(make_coco_folder):
    folder = make_coco_folder(num_pictures=1)
    ids = folder.ids(0)
    path = folder.panoptic / "0.png"
    Image.open(path).quantize().save(path)
    assert Image.open(path).mode == "P"
    np.testing.assert_array_equal(next(iter(_source(folder).pictures)).read_ids(), ids)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("L", "gray, 8 bits"),
        ("1", "gray, 1 bits"),
        ("I;16", "gray, 16 bits"),
        ("LA", "gray with alpha, 8 bits"),
    ],
)
def test_ids_of_a_png_without_colors_are_refused(make_coco_folder, mode, kind):
    folder = make_coco_folder(num_pictures=1)
    path = folder.panoptic / "0.png"
    Image.new(mode, (32, 24)).save(path)
    with pytest.raises(UnusablePicture) as refused:
        next(iter(_source(folder).pictures)).read_ids()
    [finding] = refused.value.findings
    assert finding.problem is Problem.MAP_MODE
    assert finding.file == str(path)
    assert finding.found == f"PNG, {kind} per channel"


def test_text_ids_subfolders_and_other_alphabets(make_coco_folder):
    folder = make_coco_folder(num_pictures=1)
    (folder.images / "ночь").mkdir()
    (folder.images / "0.jpg").rename(folder.images / "ночь" / "é 1.jpg")
    with folder.edit() as content:
        content["images"][0] |= {"id": "a_01", "file_name": "ночь/é 1.jpg"}
        content["annotations"][0]["image_id"] = "a_01"
    [item] = _source(folder).pictures
    assert (item.image_id, item.name) == ("a_01", "ночь/é 1.jpg")
    assert item.read_image() == (folder.images / "ночь" / "é 1.jpg").read_bytes()


def _without_image(content):
    del content["images"][0]


def _without_annotation(content):
    del content["annotations"][0]


def _image_twice(content):
    content["images"].append(content["images"][0])


def _annotation_twice(content):
    content["annotations"].append(content["annotations"][0])


def _image_without_name(content):
    content["images"].append({"id": 99})


def _annotation_without_segments(content):
    content["annotations"].append({"image_id": 12, "file_name": "2.png"})


def test_the_file_of_a_malformed_entry_is_not_stray(make_coco_folder):
    folder = make_coco_folder()
    with folder.edit() as content:
        _segments_lost(content)
    source = _source(folder)
    assert source.stored_files() == source.known_files()


def _segments_lost(content):
    del content["annotations"][0]["segments_info"]


def _name_lost(content):
    del content["images"][0]["file_name"]


@pytest.mark.parametrize(
    ("spoil", "problem", "found", "num_pictures"),
    [
        (_without_image, Problem.NO_IMAGE, "image id 10 (0.png)", 2),
        (_without_annotation, Problem.NO_ANNOTATION, "image id 10 (0.jpg)", 2),
        (_image_twice, Problem.REPEATED_ENTRY, "images has 2 entries of id 10", 2),
        (_annotation_twice, Problem.REPEATED_ENTRY, "annotations has 2 entries of image_id 10", 2),
        (_image_without_name, Problem.MALFORMED_ENTRY, "images[3] is {'id': 99}", 3),
        (_annotation_without_segments, Problem.MALFORMED_ENTRY, "annotations[3] is ", 3),
        (_segments_lost, Problem.MALFORMED_ENTRY, "annotations[0] is ", 2),
        (_name_lost, Problem.MALFORMED_ENTRY, "images[0] is ", 2),
    ],
)
def test_entries_that_give_no_picture_are_noted(
    make_coco_folder, spoil, problem, found, num_pictures
):
    folder = make_coco_folder()
    with folder.edit() as content:
        spoil(content)
    source = _source(folder)
    [finding] = source.findings
    assert (finding.file, finding.problem) == (str(folder.annotations), problem)
    assert finding.found.startswith(found)
    assert len(source.pictures) == num_pictures


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "the annotations file does not exist"),
        ("", "not valid JSON"),
        ('{"images": [', "not valid JSON"),
        ("[]", r"found \[\] .a list.; expected an object with the lists images, annotations"),
        ('{"info": {}, "images": []}', "found info, images; annotations and categories missing"),
    ],
)
def test_a_file_of_another_kind_is_refused(make_coco_folder, content, found):
    folder = make_coco_folder()
    folder.annotations.unlink()
    if content is not None:
        folder.annotations.write_text(content)
    with pytest.raises(UserError, match=f"panoptic.json: .*{found}"):
        _source(folder)


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_an_empty_list_is_refused(make_coco_folder, key):
    folder = make_coco_folder()
    with folder.edit() as content:
        content[key] = []
    with pytest.raises(UserError, match=r"panoptic.json: .*list.* (empty|\[\])"):
        _source(folder)


def test_an_instances_file_is_refused_by_name(make_coco_folder):
    folder = make_coco_folder()
    with folder.edit() as content:
        content["annotations"] = [{"id": 1, "image_id": 10, "segmentation": [], "category_id": 7}]
    with pytest.raises(
        UserError, match=r"as in COCO's instances files; expected .*panoptic(.|\n)*coco_instances"
    ):
        _source(folder)


def test_a_missing_folder_is_refused_by_name(make_coco_folder, tmp_path):
    folder = make_coco_folder()
    with pytest.raises(UserError, match="gone: found nothing; expected the folder of pictures"):
        CocoPanoptic(tmp_path / "gone", folder.panoptic, folder.annotations)
    with pytest.raises(UserError, match="gone: found nothing; expected .* panoptic PNG files"):
        CocoPanoptic(folder.images, tmp_path / "gone", folder.annotations)


def test_all_segments_of_real_annotations_are_read(coco200):
    path = coco200 / "panoptic_val.json"
    content = json.loads(path.read_text())
    source = CocoPanoptic(coco200 / "images" / "val", coco200 / "panoptic" / "val", path)
    assert (len(source.pictures), len(source.categories), source.findings) == (100, 133, [])
    listed = [
        (info["id"], info["category_id"], bool(info["iscrowd"]))
        for annotation in content["annotations"]
        for info in annotation["segments_info"]
    ]
    read = [
        (segment.id, source.categories[segment.class_id].id, segment.is_crowd)
        for item in source.pictures
        for segment in item.segments
    ]
    assert read == listed
