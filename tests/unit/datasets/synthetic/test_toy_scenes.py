"""The written dataset has the same bytes everywhere, and never replaces another folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from maskconver_tf.datasets.synthetic import toy_scenes
from maskconver_tf.datasets.synthetic.catalogue import STUFF, THINGS
from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes
from maskconver_tf.errors import UserError
from tests.unit.datasets.synthetic.read_scenes import read_annotations

# Another digest means other scenes. If you change it, raise the version in toy_scenes.KINDS too.
DIGEST = "ac8be7cdbce65fdbc8e07cc35d035d244f5eb033068da8bb33ef54be76c0d69a"


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def test_every_byte_is_as_committed(tmp_path):
    write_toy_scenes(tmp_path / "out", num_train=10, num_val=2, seed=5, workers=1, progress=False)
    assert _digest(tmp_path / "out") == DIGEST


def test_processes_do_not_change_a_byte(tmp_path):
    for workers in (1, 2):
        write_toy_scenes(tmp_path / str(workers), 8, 1, workers=workers, progress=False)
    assert _digest(tmp_path / "1") == _digest(tmp_path / "2")


def test_more_pictures_leave_the_first_as_they_were(tmp_path, folder):
    write_toy_scenes(tmp_path / "few", num_train=2, num_val=1, workers=1, progress=False)
    assert read_annotations(tmp_path / "few", "val") == read_annotations(folder, "val")[:1]
    for name in ("images/train/000002.png", "panoptic/val/000001.png"):
        assert (tmp_path / "few" / name).read_bytes() == (folder / name).read_bytes()


def test_another_seed_gives_other_scenes(tmp_path, folder):
    write_toy_scenes(tmp_path / "other", 1, 1, seed=1, workers=1, progress=False)
    name = "images/train/000001.png"
    assert (tmp_path / "other" / name).read_bytes() != (folder / name).read_bytes()


def test_files_list_the_same_pictures_and_categories_with_gaps(folder):
    image_ids = []
    for split, count in (("train", 150), ("val", 40)):
        content = json.loads((folder / f"panoptic_{split}.json").read_text())
        images, annotations = content["images"], content["annotations"]
        assert [i["id"] for i in images] == [a["image_id"] for a in annotations]
        assert len(list((folder / "images" / split).iterdir())) == len(images) == count
        for image in images[:20]:
            size = Image.open(folder / "images" / split / image["file_name"]).size
            assert size == (image["width"], image["height"])
        isthing = {c["id"]: c["isthing"] for c in content["categories"]}
        assert isthing == dict.fromkeys(THINGS.values(), 1) | dict.fromkeys(STUFF.values(), 0)
        assert max(isthing) > len(isthing)
        image_ids += [i["id"] for i in images]
    assert len(set(image_ids)) == 190


def test_an_equal_dataset_is_kept_and_another_is_refused(folder):
    before = _digest(folder)
    assert write_toy_scenes(folder, num_train=150, num_val=40, progress=False) is False
    with pytest.raises(
        UserError, match=r"scenes: found a folder with other content.*seed 1, 150 train, 40 val"
    ):
        write_toy_scenes(folder, num_train=150, num_val=40, seed=1, progress=False)
    assert _digest(folder) == before


def test_an_incomplete_or_foreign_folder_is_refused(tmp_path):
    write_toy_scenes(tmp_path / "out", 1, 1, workers=1, progress=False)
    (tmp_path / "out" / "panoptic" / "val" / "000001.png").unlink()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("years of work")
    for name in ("out", "foreign"):
        with pytest.raises(UserError, match=f"{name}: found a folder with other content"):
            write_toy_scenes(tmp_path / name, 1, 1, workers=1, progress=False)
    assert (tmp_path / "foreign" / "thesis.txt").read_text() == "years of work"


def test_a_file_in_place_of_the_folder_or_its_parent_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: found a file; expected a new folder"):
        write_toy_scenes(tmp_path / "file", 1, 1, workers=1, progress=False)
    with pytest.raises(UserError, match="cannot be written"):
        write_toy_scenes(tmp_path / "file" / "out", 1, 1, workers=1, progress=False)


def test_an_empty_folder_is_filled(tmp_path):
    assert write_toy_scenes(tmp_path, 1, 1, workers=1, progress=False)
    assert (tmp_path / "panoptic_val.json").exists()


def test_nothing_stays_behind_after_a_failure(tmp_path, monkeypatch):
    def fail(_):
        raise RuntimeError("lights out")

    broken = dataclasses.replace(toy_scenes.KINDS["scenes"], draw=fail)
    monkeypatch.setitem(toy_scenes.KINDS, "scenes", broken)
    with pytest.raises(RuntimeError, match="lights out"):
        write_toy_scenes(tmp_path / "out", 1, 1, workers=1, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argument", ["num_train", "num_val", "workers"])
def test_an_argument_out_of_range_is_named(tmp_path, argument):
    with pytest.raises(UserError, match=f"--{argument} 0: expected .*omit"):
        write_toy_scenes(tmp_path / "out", **{argument: 0})
    with pytest.raises(UserError, match="--seed -1: expected 0 or more"):
        write_toy_scenes(tmp_path / "out", seed=-1)
