"""Two folders of label pictures in each coding."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.scoring.reading.folder_pairs import Coding, folder_pairs
from maskconver_tf.evaluation.scoring.score import score_files

CLASSES = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "sky", "isthing": 0},
]
LABELS = np.array([[1, 1, 1, 2], [1, 1, 1, 2]])
INSTANCES = np.array([[1, 1, 2, 0], [1, 1, 2, 0]])


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path, Path]:
    """Folders of truth and predictions, still empty, and the class list."""
    classes = tmp_path / "classes.json"
    classes.write_text(json.dumps(CLASSES))
    truth, pred = tmp_path / "truth", tmp_path / "pred"
    truth.mkdir()
    pred.mkdir()
    return truth, pred, classes


def results(truth: Path, pred: Path, coding: Coding, allow_missing: bool = False) -> dict:
    return score_files(folder_pairs(truth, [pred], coding, allow_missing), 1).results


def write_two_channel(path: Path, labels: np.ndarray, instances: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    pixels = np.stack([labels, instances, np.zeros_like(labels)], axis=-1)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def write_id_map(path: Path, ids: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(ids.astype(np.uint16)).save(path)


def test_two_channel(folders):
    truth, pred, classes = folders
    for folder in (truth, pred):
        write_two_channel(folder / "a.png", LABELS, INSTANCES)
    lost = np.where(INSTANCES == 2, 255, LABELS)  # 255 is void.
    write_two_channel(pred / "a.png", lost, np.where(INSTANCES == 1, 9, 0))
    found = results(truth, pred, Coding("two_channel", classes))
    assert [found["per_class"]["cat"][name] for name in ("tp", "fp", "fn")] == [1, 0, 1]
    assert found["per_class"]["sky"]["pq"] == 100
    assert found["coco_program"]["pictures_with_other_areas"] == 0


@pytest.mark.parametrize("divisor", [1000, 256])
def test_id_maps(folders, divisor):
    truth, pred, classes = folders
    write_id_map(truth / "a.png", LABELS * divisor + INSTANCES)
    write_id_map(pred / "a.png", LABELS * divisor + np.where(INSTANCES == 1, 7, INSTANCES))
    found = results(truth, pred, Coding("id_maps", classes, divisor=divisor))
    assert found["all"]["pq"] == 100 and found["per_class"]["cat"]["tp"] == 2


def test_things_without_instance_are_a_crowd_only_in_the_truth(folders):
    truth, pred, classes = folders
    coding = Coding("id_maps", classes)
    lone = np.where(INSTANCES == 2, 0, INSTANCES)
    write_id_map(truth / "a.png", LABELS * 1000 + lone)
    write_id_map(pred / "a.png", LABELS * 1000 + INSTANCES)
    cat = results(truth, pred, coding)["per_class"]["cat"]
    assert (cat["tp"], cat["fp"], cat["fn"]) == (1, 0, 0)  # Instance 2 is on the crowd.
    cat = results(pred, truth, coding)["per_class"]["cat"]
    assert (cat["tp"], cat["fp"], cat["fn"]) == (2, 0, 0)


def test_cityscapes_instance_ids(folders):
    truth, pred, _ = folders
    ids = np.array([[26001, 26001, 26, 7], [26001, 26001, 26, 4]])  # Two cars, a group, road.
    name = "frankfurt_000000_000294_gtFine_instanceIds.png"
    write_id_map(truth / "frankfurt" / name, ids)
    write_id_map(truth / "frankfurt" / name.replace("instance", "label"), ids)  # Not read.
    write_id_map(pred / "frankfurt_000000_000294_leftImg8bit.png", np.where(ids == 26, 26002, ids))
    found = results(truth, pred, Coding("cityscapes", None))
    assert found["pictures"] == 1
    car, road = found["per_class"]["car"], found["per_class"]["road"]
    assert (car["tp"], car["fp"], car["fn"]) == (1, 0, 0)
    assert (road["tp"], road["pq"]) == (1, 100)


@pytest.mark.parametrize("kind", ["labelIds", "labelTrainIds", "color"])
def test_cityscapes_files_without_instances_are_refused(folders, kind):
    truth, pred, _ = folders
    name = "frankfurt_000000_000294_gtFine_{}.png"
    write_id_map(truth / name.format("instanceIds"), LABELS * 0 + 26001)
    write_id_map(pred / name.format(kind), LABELS * 0 + 26)
    with pytest.raises(UserError, match=f"found {name.format(kind)} and no file of instanceIds"):
        results(truth, pred, Coding("cityscapes", None))


@pytest.mark.parametrize(("other", "hint"), [("a11", False), ("b1O", True)])
def test_a_hint_names_only_predictions_that_are_not_used(folders, other, hint):
    truth, pred, classes = folders
    for path in (truth / "a11.png", truth / "b10.png", pred / "a11.png", pred / f"{other}.png"):
        write_id_map(path, LABELS * 1000 + INSTANCES)
    with pytest.raises(UserError, match="image 'b10' has no prediction") as caught:
        results(truth, pred, Coding("id_maps", classes))
    assert ("did you mean" in str(caught.value)) == hint


def test_a_missing_prediction(folders):
    truth, pred, classes = folders
    for name in ("a", "b"):
        write_id_map(truth / f"{name}.png", LABELS * 1000 + INSTANCES)
    write_id_map(pred / "a.png", LABELS * 1000 + INSTANCES)
    write_id_map(pred / "c.png", LABELS * 1000 + INSTANCES)
    with pytest.raises(UserError, match="image 'b' has no prediction"):
        results(truth, pred, Coding("id_maps", classes))
    found = results(truth, pred, Coding("id_maps", classes), allow_missing=True)
    assert (found["missing_predictions"], found["unused_predictions"]) == (1, 1)
    assert found["per_class"]["sky"]["fn"] == 1


def test_an_unknown_class_names_picture_and_file(folders):
    truth, pred, classes = folders
    write_id_map(truth / "a.png", LABELS * 1000)
    write_id_map(pred / "a.png", LABELS * 1000 + 3000)
    with pytest.raises(UserError) as caught:
        results(truth, pred, Coding("id_maps", classes))
    assert f"image 'a': {pred / 'a.png'}: label" in str(caught.value)


def test_two_files_of_one_name(folders):
    truth, pred, classes = folders
    for path in (truth / "a.png", pred / "a.png", pred / "a.tif"):
        write_id_map(path, LABELS * 1000)
    with pytest.raises(UserError, match=r"found a.png and a.tif|found a.tif and a.png"):
        results(truth, pred, Coding("id_maps", classes))


def test_another_size(folders):
    truth, pred, classes = folders
    write_id_map(truth / "a.png", LABELS * 1000)
    write_id_map(pred / "a.png", LABELS.T * 1000)
    with pytest.raises(UserError, match="expected the same size"):
        results(truth, pred, Coding("id_maps", classes))


def test_an_empty_folder_and_a_missing_class_list(folders):
    truth, pred, classes = folders
    with pytest.raises(UserError, match="found no .png"):
        results(truth, pred, Coding("id_maps", classes))
    with pytest.raises(UserError, match="--classes: missing"):
        results(truth, pred, Coding("two_channel", None))
    with pytest.raises(UserError, match="did you mean 'two_channel'"):
        results(truth, pred, Coding("two_chanel", classes))
