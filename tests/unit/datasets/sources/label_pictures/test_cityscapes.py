"""Cityscapes with its instanceIds files and with its panoptic files: both give the same truth."""

import json

import numpy as np
import pytest

from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from tests.unit.datasets.sources.label_pictures.labelled_picture import (
    as_rgb,
    only_finding,
    save,
    save_picture,
)

# Road, ego vehicle (void), two cars, a group of cars, caravan (void), person, sky.
INSTANCE_IDS = np.array(
    [
        [7, 7, 26_000, 26_000],
        [7, 1, 26_001, 26],
        [7, 29_000, 26_001, 26],
        [7, 7, 24_999, 23],
    ]
)


def _cityscapes_panoptic(root, ids):
    """Writes the files of createPanopticImgs.py, which leaves ignored labels unpainted."""
    painted = np.where(np.isin(ids, [1, 29_000]), 0, ids)
    name = "ulm_000000_000019"
    save(root / f"gtFine/cityscapes_panoptic_train/{name}_gtFine_panoptic.png", as_rgb(painted))
    things = {24, 26}
    segments = [
        {"id": value, "category_id": label, "area": 1, "bbox": [0, 0, 1, 1], "iscrowd": crowd}
        for value in np.unique(painted[painted > 0]).tolist()
        for label in [value // 1000 if value > 1000 else value]
        for crowd in [int(value < 1000 and label in things)]
    ]
    names = {7: "road", 23: "sky", 24: "person", 26: "car"}
    content = {
        "images": [
            {
                "id": name,
                "width": 4,
                "height": 4,
                "file_name": f"{name}_gtFine_leftImg8bit.png",
            }
        ],
        "annotations": [
            {
                "image_id": name,
                "file_name": f"{name}_gtFine_panoptic.png",
                "segments_info": segments,
            }
        ],
        "categories": [
            {"id": i, "name": n, "isthing": int(i in things), "color": [0, 0, 0]}
            for i, n in names.items()
        ],
    }
    (root / "gtFine/cityscapes_panoptic_train.json").write_text(json.dumps(content))


@pytest.fixture
def city(tmp_path):
    """Cityscapes with one picture and without panoptic files."""
    stem = "train/ulm/ulm_000000_000019"
    save_picture(tmp_path / f"leftImg8bit/{stem}_leftImg8bit.png", (4, 4))
    save(tmp_path / f"gtFine/{stem}_gtFine_instanceIds.png", INSTANCE_IDS.astype(np.uint16))
    save(tmp_path / f"gtFine/{stem}_gtFine_labelIds.png", np.zeros([4, 4], np.uint8))
    return {"root": str(tmp_path), "split": "train"}


def test_cityscapes_instance_ids(city):
    source = open_named_source("cityscapes", city)
    [item] = source.pictures
    assert source.description["truth"] == "instance_ids"
    assert (item.image_id, item.name) == (
        "ulm_000000_000019",
        "ulm/ulm_000000_000019_leftImg8bit.png",
    )
    truth = item.read_truth()
    expected = np.where(np.isin(INSTANCE_IDS, [1, 29_000]), 0, INSTANCE_IDS)
    np.testing.assert_array_equal(truth.ids, expected)
    found = {(s.id, source.categories[s.class_id].name, s.is_crowd) for s in truth.segments}
    assert found == {
        (7, "road", False),
        (23, "sky", False),
        (26, "car", True),
        (24_999, "person", False),
        (26_000, "car", False),
        (26_001, "car", False),
    }
    assert isinstance(encode_picture(item), EncodedPicture)
    assert len(source.categories) == 19
    assert source.categories.is_thing.sum() == 8
    assert source.findings == []


def test_cityscapes_panoptic_gives_the_same_truth(city, tmp_path):
    [by_instance_ids] = open_named_source("cityscapes", city).pictures
    _cityscapes_panoptic(tmp_path, INSTANCE_IDS)
    source = open_named_source("cityscapes", city)
    assert source.description["truth"] == "panoptic"
    [item] = source.pictures
    assert (item.name, item.image_id) == (by_instance_ids.name, by_instance_ids.image_id)
    truth, expected = item.read_truth(), by_instance_ids.read_truth()
    np.testing.assert_array_equal(truth.ids, expected.ids)
    assert {(s.id, s.is_thing, s.is_crowd) for s in truth.segments} == {
        (s.id, s.is_thing, s.is_crowd) for s in expected.segments
    }
    assert isinstance(encode_picture(item), EncodedPicture)
    forced = open_named_source("cityscapes", city | {"truth": "instance_ids"})
    assert forced.description["truth"] == "instance_ids"


def test_wrong_files_and_options_of_cityscapes_are_named(city, tmp_path):
    path = tmp_path / "gtFine/train/ulm/ulm_000000_000019_gtFine_instanceIds.png"
    save(path, np.full([4, 4], 34_000, np.uint16))
    assert only_finding(open_named_source("cityscapes", city)).problem is Problem.UNKNOWN_LABEL
    path.rename(path.with_name("ulm_000001_000019_gtFine_instanceIds.png"))
    source = open_named_source("cityscapes", city)
    assert [finding.problem for finding in source.findings] == [Problem.NO_PICTURE]
    assert only_finding(source).problem is Problem.MAP_MISSING
    with pytest.raises(UserError, match="leftImg8bit/val: found nothing; expected a folder"):
        open_named_source("cityscapes", city | {"split": "val"})
    with pytest.raises(UserError, match="--truth coarse: expected auto, panoptic or"):
        open_named_source("cityscapes", city | {"truth": "coarse"})
