"""Every way to name the data leads to a training and an evaluation part, or to one message."""

from pathlib import Path

import pytest

from maskconver_tf.datasets.build.build import BuildSettings
from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.parts.open_data import (
    DataRequest,
    OpenedData,
    open_data,
)
from maskconver_tf.planning.first_configuration.parts.split import SplitRequest
from tests.unit.planning.first_configuration.conftest import CATEGORIES, write_pictures


@pytest.fixture
def opened(tmp_path):
    """`opened(folder, eval_data=None, split=None)`."""

    def opened(folder, eval_data=None, split=None, overwrite=False) -> OpenedData:
        build = BuildSettings(workers=1, progress=False, overwrite=overwrite)
        eval_data = None if eval_data is None else str(eval_data)
        return open_data(DataRequest(str(folder), eval_data, split, tmp_path / "mine_data", build))

    return opened


def names_of(part) -> set[str]:
    return {picture.name for picture in part.pictures}


def test_a_validation_part_beside_the_training_data_is_taken(make_dataset, names, opened):
    train, val = make_dataset(names, "my_train"), make_dataset(names[:2], "my_val")
    found = opened(train)
    assert found.train.where == str(train) and found.evaluation.where == str(val)
    assert "taken for validation" in found.notes[0] and not found.doubts


def test_one_with_other_classes_is_not_taken_but_refused_by_name(make_dataset, names, opened):
    train = make_dataset(names)
    other = [CATEGORIES[0] | {"name": "dog"}, CATEGORIES[1]]
    val = make_dataset(names[:2], "val", other)
    assert opened(train).evaluation.where == str(train)
    with pytest.raises(UserError, match="the class list is not that of .*dog"):
        opened(train, eval_data=val)


def test_without_validation_the_training_pictures_are_scored_with_a_doubt(
    make_dataset, names, opened
):
    train = make_dataset(names)
    found = opened(train)
    assert found.evaluation.where == found.train.where == str(train)
    assert "learned by heart" in found.doubts[0]
    assert "learned by heart" in opened(train, eval_data=train).doubts[0]


def test_a_split_divides_a_dataset_folder(make_dataset, names, opened, tmp_path):
    found = opened(make_dataset(names), split=SplitRequest(0.34, "folder"))
    train, val = names_of(found.train), names_of(found.evaluation)
    assert train | val == set(names) and len(val) == 2
    assert len({name.split("/")[0] for name in val}) == 1  # Both of one film.
    assert found.train.where == str(tmp_path / "mine_data" / "train")
    assert "4 pictures for training, 2 for validation" in found.notes[0]


def test_a_coco_folder_is_built_with_its_parts(names, opened, tmp_path):
    root = write_pictures(tmp_path / "coco", names)
    write_pictures(root, names[:2], "val")
    found = opened(root)
    assert names_of(found.train) == set(names) and names_of(found.evaluation) == set(names[:2])
    assert Path(found.evaluation.where) == tmp_path / "mine_data" / "val"
    assert len(found.notes) == 2 and not found.doubts


def test_a_coco_folder_with_one_part_is_split_or_scored_on_itself(names, opened, tmp_path):
    root = write_pictures(tmp_path / "coco", names, "all")
    divided = opened(root, split=SplitRequest(0.5))
    assert len(divided.train.pictures) == len(divided.evaluation.pictures) == 3
    whole = opened(root, overwrite=True)
    assert len(whole.train.pictures) == 6 and "learned by heart" in whole.doubts[0]


def test_data_that_an_earlier_call_made_is_not_replaced_silently(names, opened, tmp_path):
    root = write_pictures(tmp_path / "coco", names, "all")
    opened(root)
    with pytest.raises(UserError, match="--overwrite"):
        opened(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "found nothing; expected a dataset folder"),
        ("file", "found a file; expected a dataset folder"),
        ("folder", r"data build --source NAME"),
    ],
)
def test_what_is_no_dataset_is_refused_with_the_way_out(content, message, opened, tmp_path):
    path = tmp_path / "data"
    if content == "file":
        path.write_text("x", encoding="utf-8")
    if content == "folder":
        path.mkdir()
    with pytest.raises(UserError, match=message):
        opened(path)


def test_a_split_that_is_refused_leaves_nothing(make_dataset, opened, tmp_path):
    train = make_dataset(["0.png", "1.png"])
    with pytest.raises(UserError, match="--group_by folder: found no folder"):
        opened(train, split=SplitRequest(0.5, "folder"))
    assert not (tmp_path / "mine_data").exists()


def test_two_ways_to_name_validation_exclude_each_other(make_dataset, names, opened):
    train = make_dataset(names)
    with pytest.raises(UserError, match=r"--split 0.2 and --eval_data .*; remove one"):
        opened(train, eval_data=train, split=SplitRequest(0.2))


def test_parts_without_a_training_part_are_named(names, opened, tmp_path):
    root = write_pictures(tmp_path / "coco", names, "north")
    write_pictures(root, names, "south")
    with pytest.raises(UserError, match="found the parts north, south"):
        opened(root)
