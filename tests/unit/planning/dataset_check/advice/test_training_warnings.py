"""The warnings of a training, from the records of its dataset."""

import shutil

import pytest

from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.planning.dataset_check.advice.settings_advice import TrainingView
from maskconver_tf.planning.dataset_check.advice.training_warnings import training_warnings
from tests.unit.planning.first_configuration.conftest import write_pictures


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("warnings")
    write_pictures(root / "coco", [f"{i}.png" for i in range(6)])
    folders = root / "coco/images/train", root / "coco/panoptic/train"
    out = root / "data"
    build_dataset(*folders, root / "coco/panoptic_train.json", out, workers=1, progress=False)
    return out


def warnings(data, size=(640, 640), num_slots=248, **view):
    return "\n".join(training_warnings(str(data), size, num_slots, 4, TrainingView(**view)))


def test_nothing_is_said_where_all_fits(dataset):
    assert warnings(dataset) == ""


def test_each_misfit_is_told(dataset):
    few = warnings(dataset, num_slots=2, num_proposals=1)
    assert "segments, more than num_slots = 2; set num_slots to at least" in few
    assert "more than num_proposals = 1" in few
    assert "less than 2 cells wide" in warnings(dataset, (32, 32))
    assert "a crop cuts" in warnings(dataset, scale_range=(2.0, 3.0))
    assert "pictures 0.50 times as large as a training" in warnings(
        dataset, (320, 320), train_size=(640, 640)
    )


def test_a_dataset_that_cannot_be_read_gets_no_warning(dataset, tmp_path):
    assert warnings(tmp_path / "none") == ""
    shutil.copytree(dataset, tmp_path / "damaged")
    [shard, *_] = DatasetFolder(tmp_path / "damaged").shard_paths
    shard.write_bytes(shard.read_bytes()[:1000])
    assert warnings(tmp_path / "damaged", num_slots=1) == ""
