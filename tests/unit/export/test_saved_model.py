"""An export is written whole or not at all."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.export import saved_model
from maskconver_tf.export.saved_model import export_saved_model
from maskconver_tf.export.served_model.options import ExportOptions

ERRORS = [
    lambda path: OSError(errno.ENOSPC, "No space left on device", str(path)),
    lambda path: tf.errors.ResourceExhaustedError(None, None, f"{path}: No space left on device"),
    lambda path: tf.errors.ResourceExhaustedError(None, None, "/link/a: No space left on device"),
]


def _write_half(error):
    def write(segmenter, folder: Path, options, origin) -> None:
        (folder / "variables").mkdir()
        (folder / "variables/variables.index").write_bytes(b"half")
        if error:
            raise error(folder)

    return write


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_full_disk_is_one_message_and_leaves_nothing(monkeypatch, tmp_path, error, earlier):
    out = tmp_path / "out"
    if earlier:
        (out / "7").mkdir(parents=True)
    monkeypatch.setattr(saved_model, "_write", _write_half(error))
    with pytest.raises(UserError, match=r"out/\d: cannot be written \(.*No space left.*--out"):
        export_saved_model(None, str(out))
    assert sorted(path.name for path in tmp_path.rglob("*")) == (["7", "out"] if earlier else [])


def test_a_full_folder_for_temporary_files_is_named(monkeypatch, tmp_path):
    """Also by an error of the measurement, which writes only there."""

    def fail(partial, requests):
        raise OSError(errno.ENOSPC, "No space left on device", "/scratch/requests.npz")

    monkeypatch.setattr(saved_model, "_write", _write_half(None))
    monkeypatch.setattr(saved_model, "_measured_requests", lambda segmenter, options: {})
    monkeypatch.setattr(saved_model, "measure_export", fail)
    with pytest.raises(UserError, match=r"device: /scratch/requests.npz\); free .* temporary"):
        export_saved_model(None, str(tmp_path / "out"), ExportOptions(measure=True))
    assert not list(tmp_path.iterdir())


def test_no_folder_for_temporary_files_is_one_message(monkeypatch, tmp_path):
    def find_none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", find_none)
    monkeypatch.setattr(saved_model, "_write", _write_half(lambda path: find_none()))
    with pytest.raises(UserError, match=r"No usable temporary directory .*set TMPDIR to a folder"):
        export_saved_model(None, str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())


def test_another_error_is_no_message_about_the_disk(monkeypatch, tmp_path):
    error = tf.errors.NotFoundError(None, None, "Op type not registered")
    monkeypatch.setattr(saved_model, "_write", _write_half(lambda path: error))
    with pytest.raises(tf.errors.NotFoundError):
        export_saved_model(None, str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())


def test_versions_count_up_and_other_files_do_not_matter(monkeypatch, tmp_path):
    monkeypatch.setattr(saved_model, "_write", _write_half(None))
    (tmp_path / "9").mkdir()
    (tmp_path / "x10").mkdir()
    (tmp_path / ".10.partial").mkdir()  # Left by a process that was killed.
    (tmp_path / ".10.partial/half").write_bytes(b"x")
    assert export_saved_model(None, str(tmp_path)) == tmp_path / "10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "9", "x10"]
    assert [path.name for path in (tmp_path / "10").iterdir()] == ["variables"]


def test_a_file_and_a_bucket_as_out_are_one_message(monkeypatch, tmp_path):
    monkeypatch.setattr(saved_model, "_write", _write_half(None))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="file: found a file, expected a folder of versions"):
        export_saved_model(None, str(tmp_path / "file"))
    with pytest.raises(UserError, match="found the name of a bucket"):
        export_saved_model(None, "gs://bucket/model")


@pytest.mark.parametrize(
    "file, message",
    [
        ("saved_model.pb", "found one version of a SavedModel"),
        ("config.gin", "found the folder of a run"),
        ("whole_int8.tflite", "found the folder of a LiteRT export"),
    ],
)
def test_versions_are_not_mixed_with_another_model(monkeypatch, tmp_path, file, message):
    """`predict --model` would take the one for the other."""
    monkeypatch.setattr(saved_model, "_write", _write_half(None))
    (tmp_path / file).touch()
    with pytest.raises(UserError, match=message):
        export_saved_model(None, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_an_export_that_no_process_can_load_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(saved_model, "_write", _write_half(None))
    monkeypatch.setattr(saved_model, "_measured_requests", lambda *args: {})
    with pytest.raises(UserError, match="fresh process could not load it.*--skip_measure"):
        export_saved_model(None, str(tmp_path / "out"), ExportOptions(measure=True))
    assert not list(tmp_path.iterdir())
