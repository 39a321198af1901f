"""Every file of a run, a dataset folder and an export in turn is missing, empty or cut.

The folder then works, if the file is not needed, or one message names the file and the way out.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest
import tensorflow as tf

import maskconver_tf
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.errors import UserError
from maskconver_tf.inference.exported_model import load_export
from maskconver_tf.training import restore
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.checkpoint_reading import newest_checkpoint
from maskconver_tf.training.run_files.claim import claim_run_folder
from maskconver_tf.training.run_files.kept_thresholds import KeptThresholds, write_kept
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.time_plan.plan import TimePlan, write_plan

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "old_layout.tar.xz"
HARMS = ("missing", "empty", "cut")
RUN_FILES = (
    "categories.json",
    "config.gin",
    "operative_config.gin",
    "plan.json",
    "results.json",
    "run.json",
    "thresholds.json",
    "best/score.json",
    "best/weights-1500.data-00000-of-00001",
    "best/weights-1500.index",
    "checkpoints/checkpoint",
    "checkpoints/ckpt-1500.data-00000-of-00001",
    "checkpoints/ckpt-1500.index",
)
DATASET_FILES = ("categories.json", "data-00000-of-00001.tfrecord", "dataset.json")
EXPORT_FILES = (
    "1/assets/categories.json",
    "1/fingerprint.pb",
    "1/saved_model.pb",
    "1/variables/variables.data-00000-of-00001",
    "1/variables/variables.index",
)
NOT_NEEDED = (
    "operative_config.gin",
    "plan.json",  # tests/unit/training/time_plan harms it: only a run of minutes reads it.
    "results.json",
    "run.json",
    "1/fingerprint.pb",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run, a dataset folder `data` and an export `exported`, all tiny and whole.

    The run is from before thresholds and plans were kept; it gets them here.
    """
    root = tmp_path_factory.mktemp("whole")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    run = root / "old_layout/run"
    kept = KeptThresholds("PanopticFusion", {"score_threshold": 0.3}, "weights-1500")
    write_kept(run, kept, Categories.load(run / "categories.json"))
    write_plan(run / "plan.json", TimePlan(seconds=60.0))
    return root / "old_layout"


@pytest.fixture(scope="module", autouse=True)
def _build_the_network_once():
    """All runs here have the same network, and building it takes most of the time."""
    built = []

    def build_once(*args, build=restore.build_network):
        if not built:
            built.append(build(*args))
        return built[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restore, "build_network", build_once)
        yield


def _harm(whole: Path, kind: str, file: str, harm: str, out: Path) -> Path:
    """Copies a folder and harms one file of the copy."""
    folder = out / kind
    shutil.copytree(whole / kind, folder)
    content = (folder / file).read_bytes()
    (folder / file).unlink()
    if harm != "missing":
        (folder / file).write_bytes(b"" if harm == "empty" else content[: len(content) // 2])
    return folder


def _assert_works_or_names_the_file(load, folder: Path, file: str, needed: bool) -> None:
    try:
        load(folder)
    except UserError as error:
        assert needed, error
        message = str(error)
        # TensorFlow reads the two files of some weights as one thing, which has their common name.
        name = file.removesuffix(".index").removesuffix(".data-00000-of-00001")
        assert name.removesuffix("/variables") in message
        assert any(word in message.lower() for word in ("copy", "again", "delete", "fetch"))
        assert not message.endswith(".")
    else:
        assert not needed


def test_the_lists_here_are_complete(whole):
    for kind, files in (("run", RUN_FILES), ("data", DATASET_FILES), ("exported", EXPORT_FILES)):
        found = [path for path in (whole / kind).rglob("*") if path.is_file()]
        assert sorted(path.relative_to(whole / kind).as_posix() for path in found) == sorted(files)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("file", RUN_FILES)
def test_a_run_with_a_harmed_file_predicts_or_says_what_to_do(whole, tmp_path, file, harm):
    folder = _harm(whole, "run", file, harm, tmp_path)
    # Without the score of the best weights, the newest checkpoint is used. Without kept thresholds,
    # those of the configuration are.
    may_miss = file in ("best/score.json", "thresholds.json") and harm == "missing"
    needed = not (file in NOT_NEEDED or "checkpoints/" in file or may_miss)
    _assert_works_or_names_the_file(maskconver_tf.load, folder, file, needed)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("file", [file for file in RUN_FILES if "/" in file or "categor" in file])
def test_a_run_with_a_harmed_file_resumes_or_says_what_to_do(whole, tmp_path, file, harm):
    folder = _harm(whole, "run", file, harm, tmp_path)
    categories = Categories.load(whole / "run" / "categories.json")

    def resume(path: Path) -> None:
        with claim_run_folder(
            RunFolder(path), categories, Workers(tf.distribute.get_strategy())
        ) as run:
            assert (newest_checkpoint(run.checkpoints) is None) == (
                file.endswith("ckpt-1500.index")
            )

    damaged = "checkpoints/ckpt" in file and (harm != "missing" or "data" in file)
    needed = damaged or (file == "categories.json" and harm != "missing")
    name = "checkpoints" if damaged else file
    _assert_works_or_names_the_file(resume, folder, name, needed)


def test_a_configuration_cut_at_any_line_never_counts_as_whole(whole, tmp_path):
    folder = RunFolder(tmp_path)
    folder.save_config("a.b = 1\nc.d = 2\ne.f = 3\n")
    folder.check_config()
    content = folder.config.read_text()
    lines = content.splitlines(keepends=True)
    for count in range(1, len(lines)):
        folder.config.write_text("".join(lines[:count]))
        with pytest.raises(UserError, match="config.gin: the end is missing. Copy it again"):
            folder.check_config()


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("file", DATASET_FILES)
def test_a_dataset_with_a_harmed_file_says_what_to_do(whole, tmp_path, file, harm):
    folder = _harm(whole, "data", file, harm, tmp_path)
    _assert_works_or_names_the_file(DatasetFolder, folder, file, needed=True)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("file", EXPORT_FILES)
def test_an_export_with_a_harmed_file_says_what_to_do(whole, tmp_path, file, harm):
    folder = _harm(whole, "exported", file, harm, tmp_path)
    _assert_works_or_names_the_file(load_export, folder, file, needed=file not in NOT_NEEDED)


@pytest.mark.parametrize(
    ("part", "cause"),
    [("variables", ""), ("assets", " or another tool wrote this SavedModel")],
)
def test_an_export_without_a_whole_folder_says_what_to_do(whole, tmp_path, part, cause):
    shutil.copytree(whole / "exported" / "1", tmp_path / "1")
    shutil.rmtree(tmp_path / "1" / part)
    message = f"{part}/.*: missing, so the export is not whole{cause}. Copy"
    with pytest.raises(UserError, match=message):
        maskconver_tf.load(tmp_path)
