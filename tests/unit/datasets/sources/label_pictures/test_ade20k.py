"""ADE20K: instances over semantic labels, and its class lists."""

import numpy as np
import pytest

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.label_pictures.ade20k import ade20k_categories
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from tests.unit.datasets.sources.label_pictures.labelled_picture import (
    only_finding,
    read_truth,
    save,
    save_picture,
)


@pytest.fixture
def ade20k(tmp_path):
    """Wall 1, sky 3, bed 8, flag 150. One bed, partly over wall, and one flag are instances."""
    semantic = np.array([[1, 1, 1, 3], [1, 8, 8, 3], [0, 8, 150, 150], [0, 8, 8, 3]], np.uint8)
    instances = np.zeros([4, 4, 3], np.uint8)
    instances[0:2, 1] = [1, 3, 0]  # Bed is kind 1 of the 100, here partly on wall.
    instances[2, 2:] = [100, 9, 0]  # Flag is kind 100.
    save_picture(tmp_path / "images/training/ADE_train_00000001.jpg", (4, 4))
    save(tmp_path / "annotations/training/ADE_train_00000001.png", semantic)
    save(tmp_path / "annotations_instance/training/ADE_train_00000001.png", instances)
    return {"root": str(tmp_path), "split": "training"}


def test_ade20k(ade20k):
    source = open_named_source("ade20k", ade20k)
    ids, segments = read_truth(source)
    assert [(source.categories[c].name, crowd) for c, crowd in segments] == [
        ("wall", False),
        ("sky", False),
        ("bed", False),
        ("flag", False),
    ]
    assert ids == [[1, 3, 1, 2], [1, 3, 0, 2], [0, 0, 4, 4], [0, 0, 0, 2]]
    assert source.categories.source_ids.tolist() == list(range(1, 151))
    assert source.categories.is_thing.sum() == 100
    things = [c.name for c in source.categories if c.isthing]
    # Kinds 1, 2, 31, 35, 51, 85 and 100 of the challenge's instanceInfo100.
    picked = [things[i - 1] for i in (1, 2, 31, 35, 51, 85, 100)]
    assert picked == ["bed", "windowpane", "stairs", "screen door", "towel", "screen", "flag"]


def test_an_unknown_instance_kind_is_named(ade20k, tmp_path):
    path = tmp_path / "annotations_instance/training/ADE_train_00000001.png"
    save(path, np.full([4, 4, 3], 101, np.uint8))
    finding = only_finding(open_named_source("ade20k", ade20k))
    assert (finding.problem, finding.file) == (Problem.UNKNOWN_LABEL, str(path))
    assert finding.found == "red 101, expected 1 to 100"


def test_only_the_class_list_of_the_challenge_is_accepted(ade20k, tmp_path):
    path = tmp_path / "objectInfo150.txt"
    rows = [f"{c.id}\t0.5\t9\t9\t{c.name} " for c in ade20k_categories()]
    rows[89] = "90\t0.5\t9\t9\ttelevision, television receiver, tv"  # The second edition.
    path.write_bytes("\r\n".join(["Idx\tRatio\tTrain\tVal\tName", *rows]).encode())
    open_named_source("ade20k", ade20k)
    path.write_bytes("\n".join(["", *rows[:20], "21\t\tcaf\xe9", *rows[21:]]).encode("latin-1"))
    with pytest.raises(UserError, match="150 classes, and class 21 is caf.*where class 21 is car"):
        open_named_source("ade20k", ade20k)
    path.write_text("\n".join(["", *rows, "151\tone more"]))
    with pytest.raises(
        UserError, match="151 classes, and class 151 is one more.*where class 151 is missing"
    ):
        open_named_source("ade20k", ade20k)
    path.write_text("\n".join(["", *rows[:-1]]))
    with pytest.raises(
        UserError, match="149 classes, and class 150 is missing.*where class 150 is flag"
    ):
        open_named_source("ade20k", ade20k)
