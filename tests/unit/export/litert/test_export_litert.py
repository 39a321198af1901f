"""A disk that fills during an export to LiteRT is one message and leaves nothing half-written."""

from __future__ import annotations

import errno
import types
from pathlib import Path

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.export.litert import export_litert
from maskconver_tf.export.litert.options import LiteOptions
from tests.unit.serving.fake_model import CATEGORIES

FULL = [
    lambda folder: OSError(errno.ENOSPC, "No space left on device"),
    lambda folder: OSError(errno.EFBIG, "File too large"),
    lambda folder: PermissionError(errno.EACCES, "Permission denied", str(folder / "a.tflite")),
    lambda folder: tf.errors.ResourceExhaustedError(None, None, "/tmp/x: No space left on device"),
]


@pytest.fixture
def export(monkeypatch, tmp_path):
    """`export(make_error)`: an export that writes a file, and then meets the error."""
    monkeypatch.setattr(export_litert.graphs, "check_can_convert", lambda segmenter: None)
    monkeypatch.setattr(export_litert.convert, "import_quantizer", lambda: None)
    monkeypatch.setattr(export_litert, "write_post_process", lambda folder, segmenter: None)
    segmenter = types.SimpleNamespace(categories=CATEGORIES)
    options = LiteOptions(precisions=("float32",))

    def run(make_error) -> None:
        def fail(folder: Path, *others):
            (folder / "whole_float32.tflite").write_bytes(b"half")
            raise make_error(folder)

        monkeypatch.setattr(export_litert, "_write_files", fail)
        export_litert.export_litert(segmenter, str(tmp_path / "lite"), options)

    return run


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("make_error", FULL)
def test_a_full_disk_is_one_message(export, tmp_path, make_error, earlier):
    if earlier:
        (tmp_path / "lite").mkdir()
        (tmp_path / "lite/whole_float32.tflite").write_bytes(b"earlier")
    with pytest.raises(UserError, match=r"lite: cannot be written \(.*\); free space .*--out"):
        export(make_error)
    left = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == ({"whole_float32.tflite": b"earlier"} if earlier else {})


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "No such file", "/data/x"), ValueError("a mistake")]
)
def test_another_error_is_no_message_about_the_disk(export, tmp_path, error):
    with pytest.raises(type(error)):
        export(lambda folder: error)
    assert list(tmp_path.iterdir()) == []
