"""Ids of another type in COCO panoptic files are named, once for each picture."""

import pytest

from maskconver_tf.datasets.check_picture import check_picture
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic


def _source(folder):
    return CocoPanoptic(folder.images, folder.panoptic, folder.annotations)


def _text_image_ids(content):
    for entry in content["annotations"]:
        entry["image_id"] = str(entry["image_id"])


def _float_image_ids(content):
    for entry in content["images"]:
        entry["id"] = float(entry["id"])


def _no_image_id(content):
    for entry in content["annotations"]:
        del entry["image_id"]


@pytest.mark.parametrize(
    ("spoil", "problem", "found"),
    [
        (_text_image_ids, Problem.IMAGE_ID_TYPE, "image_id '10' (text), images has id 10 (a whole"),
        (_float_image_ids, Problem.MALFORMED_ENTRY, "its id is 10.0 (a number with a decimal"),
        (_no_image_id, Problem.MALFORMED_ENTRY, "it has no image_id, which must be a whole number"),
    ],
)
def test_ids_of_another_type_are_named_once_for_each_picture(
    make_coco_folder, spoil, problem, found
):
    folder = make_coco_folder()
    with folder.edit() as content:
        spoil(content)
    source = _source(folder)
    assert [finding.problem for finding in source.findings] == [problem] * 3
    assert found in source.findings[0].found
    assert len(source.pictures) == 0


@pytest.mark.parametrize("segment_id", ["1000", 1000.0, " 01000 "])
def test_a_segment_id_of_another_type_is_one_finding(make_coco_folder, segment_id):
    folder = make_coco_folder(num_pictures=1)
    with folder.edit() as content:
        content["annotations"][0]["segments_info"][1]["id"] = segment_id
    [picture] = _source(folder).pictures
    [finding] = check_picture(picture)
    assert finding.problem is Problem.MALFORMED_ENTRY
    assert finding.found.endswith("and must be a whole number from 1 to 16777215")
