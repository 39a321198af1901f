"""A run's folder, on a disk and in a bucket."""

from __future__ import annotations

import pytest

from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training.run_files.run_folder import RunFolder


@pytest.fixture(params=["disk", "bucket"])
def folder(request, tmp_path) -> RunFolder:
    """The bucket is TensorFlow's file system in memory."""
    bucket = f"ram://{tmp_path.name}/run"
    return RunFolder(
        local_or_remote_path(bucket if request.param == "bucket" else tmp_path / "run")
    )
