"""A proof finds what changed in the source after the build, and pictures that were left out."""

import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.build_summary import balance_lines
from maskconver_tf.datasets.proof.differences import Difference
from tests.unit.datasets.proof.built_folder import BuiltFolder, prove_folder


def _check(coco, built):
    proof = prove_folder(coco, built)
    return [(f.problem, f"{f.file}: {f.found}") for f in proof.findings]


def test_a_new_picture_and_a_removed_one(coco, tmp_path):
    built = BuiltFolder.build(coco, tmp_path / "built")
    with coco.edit() as content:
        content["images"][2]["id"] = content["annotations"][2]["image_id"] = 77
    findings = _check(coco, built)
    assert [kind for kind, _ in findings] == [Difference.NO_RECORD, Difference.NO_SOURCE]
    assert findings[0][1].startswith(f"{coco.images / '2.jpg'}: ")
    assert "2.jpg (id 12) is record 2" in findings[1][1]


def test_a_repainted_map_a_new_picture_file_and_a_new_class(coco, tmp_path):
    built = BuiltFolder.build(coco, tmp_path / "built")
    ids = coco.ids(1)
    coco.paint(1, np.where(ids == 70_000, 70_001, np.where(ids == 70_001, 70_000, ids)))
    Image.fromarray(np.zeros([24, 32, 3], np.uint8)).save(coco.images / "2.jpg")
    with coco.edit() as content:
        content["annotations"][3]["segments_info"][2]["category_id"] = 200
        content["categories"][0]["isthing"] = 1
    found = [kind for kind, _ in _check(coco, built)]
    kinds = [Difference.CLASSES, Difference.SEGMENT, Difference.SEGMENT, Difference.PICTURE]
    assert found[:4] == kinds
    assert set(found[4:]) == {Difference.SEGMENT}  # Picture 3: the ball joins the grass.


def test_a_picture_that_can_no_longer_be_used(coco, tmp_path):
    built = BuiltFolder.build(coco, tmp_path / "built")
    (coco.images / "1.jpg").unlink()
    (coco.panoptic / "2.png").write_bytes(b"")
    findings = _check(coco, built)
    assert [kind for kind, _ in findings] == [Difference.UNUSABLE] * 2
    assert findings[0][1] == f"{coco.images / '1.jpg'}: picture missing: does not exist"
    pictures, segments = balance_lines(prove_folder(coco, built).counts)
    text = "Pictures: 4 came in + 2 too many in records = 4 in records + 2 left out"
    assert pictures == text
    assert segments == (
        "Segments: 16 came in + 8 too many in records = 16 in records + 8 left out with "
        "their pictures"
    )


@pytest.fixture
def skipped(coco, tmp_path):
    """A build that left two pictures out: one without its map, one without an annotation."""
    (coco.panoptic / "1.png").rename(tmp_path / "1.png")
    with coco.edit() as content:
        content["annotations"].pop(3)
    return BuiltFolder.build(coco, tmp_path / "built", skip_bad=True)


def test_pictures_that_were_left_out_with_a_reason_are_no_difference(coco, skipped):
    assert _check(coco, skipped) == []
    assert balance_lines(prove_folder(coco, skipped).counts) == [
        "Pictures: 4 came in = 2 in records + 2 left out",
        "Segments: 12 came in = 8 in records + 4 left out with their pictures",
    ]


def test_pictures_that_were_left_out_without_a_reason(coco, skipped):
    (skipped.path / "dropped.json").unlink()
    findings = _check(coco, skipped)
    assert [kind for kind, _ in findings] == [Difference.NO_REASON] * 2
    assert "truth PNG missing" in findings[0][1]
    assert "image without annotation" in findings[1][1]


def test_a_picture_that_was_corrected_after_the_build(coco, skipped, tmp_path):
    (tmp_path / "1.png").rename(coco.panoptic / "1.png")
    [(kind, text)] = _check(coco, skipped)
    assert kind == Difference.OLD_REASON
    assert text == f"{coco.images / '1.jpg'}: dropped.json says: truth PNG missing: does not exist"


def test_a_picture_that_was_left_out_and_then_removed(coco, skipped):
    with coco.edit() as content:
        content["images"].pop(3)
    [(kind, text)] = _check(coco, skipped)
    assert kind == Difference.OLD_REASON
    assert "dropped.json lists 3.jpg, and the source has no such bad picture" in text


def test_another_reason_list_is_refused(coco, skipped):
    (skipped.path / "dropped.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(Exception, match="found other content than the build wrote"):
        _check(coco, skipped)
