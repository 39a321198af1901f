"""The commands on data work in folders of any name, through links, and from another folder."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.sources.coco.panoptic_folder import find_panoptic_parts
from maskconver_tf.errors import UserError
from tests.e2e.folders.folder_names import EVERYTHING, NAMES, NESTED

TINY = Path(__file__).parents[1] / "tiny.gin"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    """One generated scene to train on and one to evaluate on, in COCO panoptic layout."""
    out = tmp_path_factory.mktemp("scenes") / "coco"
    assert main(["data", "synth", "--out", str(out), "--num_train", "1", "--num_val", "1"]) == 0
    return out


def _build(scenes: Path, out: Path, *more: str) -> int:
    options = ["--images", f"{scenes}/images/val", "--panoptic", f"{scenes}/panoptic/val"]
    annotations = ["--annotations", f"{scenes}/panoptic_val.json"]
    return main(["data", "build", *options, *annotations, "--out", str(out), "--workers=1", *more])


def _show(data: Path, out: Path) -> list[str]:
    data_options = ["--train_data", str(data), "--eval_data", str(data)]
    options = ["--gin_file", str(TINY), *data_options, "--num=1", "--out", str(out)]
    return ["data", "show", *options, "--gin.TrainingInput.cache=False"]


@pytest.mark.parametrize("name", NAMES)
def test_data_commands_work_in_a_folder_of_any_name(scenes, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    shutil.copytree(scenes, folder / "coco")
    assert _build(folder / "coco", folder / "data") == 0
    assert _build(folder / "coco", folder / "data", "--overwrite") == 0
    for data in ("coco", "data"):
        check = ["data", "check", str(folder / data), "--out", str(folder / "check")]
        assert main([*check, "--exit_zero", "--workers=1", "--ceiling_pictures=0"]) == 0
        report = (folder / "check/check.json").read_text(encoding="utf-8")
        assert "no entry names it" not in report
    for against in ([], [str(folder / "coco")]):
        prove = ["data", "check", str(folder / "data"), "--against", *against, "--workers=1"]
        assert main([*prove, "--out", str(folder / "proof")]) == 0
    truth, png = folder / "coco/panoptic_val.json", folder / "coco/panoptic/val"
    score = ["score", "--truth", str(truth), "--truth_png", str(png), "--pred", str(truth)]
    score += ["--pred_png", str(png), "--out", str(folder / "score"), "--workers=1"]
    assert main(score) == 0
    assert json.loads((folder / "score/results.json").read_text())["all"]["pq"] == 100
    assert sorted(os.listdir(folder)) == ["check", "coco", "data", "proof", "score"]


@pytest.mark.parametrize("name", [EVERYTHING, NESTED])
def test_commands_before_a_training_work_in_a_folder_of_any_name(tmp_path, capsys, name):
    folder = tmp_path / name
    assert main(["data", "synth", "--out", f"{folder}/coco", "--num_train=1", "--num_val=1"]) == 0
    assert _build(folder / "coco", folder / "data") == 0
    assert main(_show(folder / "data", folder / "inputs.png")) == 0
    assert (folder / "inputs.png").is_file()
    shutil.copy(TINY, folder / "mine.gin")
    assert main(["models", f"{folder}/mine.gin", "--names"]) == 0
    data_options = ["--train_data", str(folder / "data"), "--eval_data", str(folder / "data")]
    assert main(["preflight", "--gin_file", f"{folder}/mine.gin", *data_options]) == 0
    assert "64x96, 13 classes" in capsys.readouterr().out


def test_out_may_be_a_link(scenes, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk/data")
    for more in ([], ["--overwrite"], ["--overwrite"]):
        assert _build(scenes, tmp_path / "link", *more) == 0
        assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk/data/dataset.json").is_file()
    assert sorted(os.listdir(tmp_path)) == ["disk", "link"]


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_of_the_other_normal_form_is_found(scenes, tmp_path, forms):
    asked, stored = (unicodedata.normalize(form, "café") for form in forms)
    coco = tmp_path / "coco"
    shutil.copytree(scenes, coco)
    content = json.loads((coco / "panoptic_val.json").read_text())
    for entries, folder in (("images", "images/val"), ("annotations", "panoptic/val")):
        entry = content[entries][0]
        suffix = Path(entry["file_name"]).suffix
        (coco / folder / entry["file_name"]).rename(coco / folder / f"{stored}{suffix}")
        entry["file_name"] = f"{asked}{suffix}"
    (coco / "panoptic_val.json").write_text(json.dumps(content))
    assert _build(coco, tmp_path / "data") == 0
    check = ["data", "check", str(coco), "--out", str(tmp_path), "--exit_zero", "--workers=1"]
    assert main([*check, "--ceiling_pictures=0"]) == 0
    assert "no entry names it" not in (tmp_path / "check.json").read_text()


def test_absolute_names_and_links_in_a_relative_folder_are_no_stray_files(
    scenes, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(scenes, "real")
    Path("coco").symlink_to("real")
    content = json.loads(Path("coco/panoptic_val.json").read_text())
    for entry in content["images"]:
        entry["file_name"] = str(tmp_path / "real/images/val" / entry["file_name"])
    Path("coco/panoptic_val.json").write_text(json.dumps(content))
    Path("real/images/val/stray.jpg").touch()
    folders = ["--images=coco/images/val", "--panoptic=./coco/../real/panoptic/val"]
    check = ["data", "check", *folders, "--annotations=coco/panoptic_val.json", "--out=check"]
    assert main([*check, "--exit_zero", "--workers=1", "--ceiling_pictures=0"]) == 0
    report = Path("check/check.json").read_text()
    assert report.count("no entry names it") == 1 and "stray.jpg" in report


@pytest.mark.parametrize("other", ['[{"id": 1}]', '{"mean": 3}', "7"])
def test_a_json_file_that_is_no_dataset_is_no_part(scenes, tmp_path, other):
    shutil.copytree(scenes / "images/val", tmp_path / "images")
    shutil.copytree(scenes / "panoptic/val", tmp_path / "panoptic")
    shutil.copy(scenes / "panoptic_val.json", tmp_path)
    (tmp_path / "panoptic_coco_categories.json").write_text(other)
    assert list(find_panoptic_parts(tmp_path)) == ["val"]
    check = ["data", "check", str(tmp_path), "--exit_zero", "--workers=1", "--ceiling_pictures=0"]
    assert main(check) == 0
    (tmp_path / "panoptic_val.json").unlink()
    with pytest.raises(UserError, match="found no dataset in panoptic_coco_categories.json; exp"):
        find_panoptic_parts(tmp_path)


@pytest.mark.parametrize("out", ["file", "file/out", "/proc/nope/out"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    scenes, tmp_path, monkeypatch, capsys, out
):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    data = [f"--images={scenes}/images/val", f"--panoptic={scenes}/panoptic/val"]
    data += [f"--annotations={scenes}/panoptic_val.json", "--workers=1"]
    truth = [f"{scenes}/panoptic_val.json", f"{scenes}/panoptic/val"]
    score = [f"--truth={truth[0]}", f"--truth_png={truth[1]}", f"--pred={truth[0]}"]
    for command in (
        ["data", "synth", "--num_train=1", "--num_val=1"],
        ["data", "build", *data],
        ["data", "check", *data],
        ["score", *score, f"--pred_png={truth[1]}", "--workers=1"],
        ["evaluate", "--model=run"],
    ):
        assert main([*command, f"--out={out}"]) == 2
        message = capsys.readouterr().err.strip().splitlines()[-1]
        assert out in message and "choose another --out" in message
    assert os.listdir() == ["file"] and not Path("file").read_bytes()
