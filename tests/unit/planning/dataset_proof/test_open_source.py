"""The source comes from dataset.json, from the command line, or from both."""

import json
import os

import pytest

from maskconver_tf.datasets.build.recorded_source import RecordedSource, record_source
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_proof.open_source import SourceChoice, open_source
from tests.unit.datasets.proof.built_folder import BuiltFolder


@pytest.fixture
def coco(make_coco_folder):
    return make_coco_folder(num_pictures=2)


@pytest.fixture
def built(coco, tmp_path):
    return BuiltFolder.build(coco, tmp_path / "built")


def _open(built, place="", kind=None, **options):
    folder = DatasetFolder(built.path, check_files=False)
    return open_source(folder, SourceChoice(place, kind, options))


def _options(coco):
    return {name: str(getattr(coco, name)) for name in ("images", "panoptic", "annotations")}


def _forget(built):
    manifest = built.manifest
    del manifest["built_from"]
    (built.path / "dataset.json").write_text(json.dumps(manifest))


def test_dataset_json_names_the_source_with_absolute_paths(coco, tmp_path, monkeypatch):
    monkeypatch.chdir(coco.images.parent)
    relative = {name: os.path.relpath(value) for name, value in _options(coco).items()}
    recorded = record_source("coco_panoptic", relative | {"max_pixels": 5, "root": None})
    expected = {"source": "coco_panoptic", "options": _options(coco) | {"max_pixels": "5"}}
    assert recorded == expected


def test_the_recorded_source_is_opened(coco, built):
    for kind in (None, "coco_panoptic"):
        assert _open(built, kind=kind).where == str(coco.annotations)
    assert _open(built, "coco_panoptic").where == str(coco.annotations)


def test_a_source_that_was_moved(coco, built, tmp_path):
    moved = tmp_path / "moved"
    coco.images.parent.rename(moved)
    with pytest.raises(UserError, match=r"if it was moved, give its folder: --against SOURCE"):
        _open(built)
    assert _open(built, str(moved)).where == str(moved / "panoptic.json")


def test_an_option_replaces_the_recorded_one(coco, built):
    other = coco.annotations.with_name("other.json")
    coco.annotations.rename(other)
    source = _open(built, annotations=str(other))
    assert (source.where, len(source.pictures)) == (str(other), 2)
    assert _open(built, str(other.parent), annotations=str(other)).where == str(other)


def test_another_kind_of_source_needs_all_its_options(built):
    with pytest.raises(UserError, match="--source ade20k needs its options"):
        _open(built, kind="ade20k")
    with pytest.raises(UserError, match="--split: missing; the source ade20k needs"):
        _open(built, "ade20k", root="r")
    with pytest.raises(UserError, match="was not built from the source ade20k"):
        _open(built, str(built.path.parent), kind="ade20k")


def test_a_folder_of_an_older_version(coco, built):
    _forget(built)
    with pytest.raises(UserError, match="dataset.json does not name it. Give --against with"):
        _open(built)
    assert _open(built, **_options(coco)).where == str(coco.annotations)


def test_a_folder_of_an_older_version_and_a_tree_of_parts(coco, built, tmp_path):
    _forget(built)
    for part in ("train", "val"):
        for kind in ("images", "panoptic"):
            (tmp_path / "tree" / kind / part).mkdir(parents=True)
        content = coco.annotations.read_bytes()
        (tmp_path / "tree" / f"panoptic_{part}.json").write_bytes(content)
    with pytest.raises(UserError, match="found the parts train, val, and .* does not say which"):
        _open(built, str(tmp_path / "tree"))
    (tmp_path / "tree" / "panoptic_val.json").unlink()
    assert _open(built, str(tmp_path / "tree")).where.endswith("tree/panoptic_train.json")


def test_a_place_that_is_no_source(built, tmp_path):
    with pytest.raises(UserError, match="found a dataset folder that `data build` wrote"):
        _open(built, str(built.path))
    with pytest.raises(UserError, match="nowhere: found nothing; expected the folder of the"):
        _open(built, str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="found a file"):
        _open(built, str(built.path / "dataset.json"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"root": "/a/b", "split": "val"}, {"root": "/new", "split": "val"}),
        ({"split": "val", "dataset": "d"}, {"split": "val", "dataset": "d"}),
        ({"data_dir": "/t"}, {"data_dir": "/new"}),
        ({"images": "/a/i", "classes": "/b/c"}, {"images": "/new/a/i", "classes": "/new/b/c"}),
        ({"images": "/a/i", "panoptic": "/a/i"}, {"images": "/new", "panoptic": "/new"}),
        ({"classes": "/a/c.json"}, {"classes": "/new/c.json"}),
    ],
)
def test_the_common_folder_of_all_paths_moves(tmp_path, options, expected):
    moved = RecordedSource("tfds", options).at(type(tmp_path)("/new"))
    found = {name: os.path.normpath(value) for name, value in moved.options.items()}
    assert found == expected
