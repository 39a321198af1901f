"""Refuses to train in a folder that holds something else, before anything is written there."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import RemotePath
from maskconver_tf.inference.model_folder import describe_other, is_run
from maskconver_tf.training.run_files.run_folder import RunFolder

_MAY_BE_THERE = (".log", ".txt", ".out", ".err", ".md", ".gin", ".sh")
"""Endings of logs and notes that people keep beside a run."""


def check_no_foreign_files(folder: RunFolder) -> None:
    """Checks that a folder is that of a run, or has nothing in the way of a new run.

    Hidden files, logs and notes are not in the way.

    Raises:
      UserError: the path is a file, a dataset folder, an export, a part of a run, or a folder with
        other files.
    """
    path = folder.path
    if is_run(path) or not (path.is_file() or _foreign_names(folder)):
        return
    raise UserError(
        f"--model_dir {path}: {describe_other(path)}, but a run needs a folder of its own; give "
        "the folder of the run to continue, or the name of a new one, such as runs/new"
    )


def _foreign_names(folder: RunFolder) -> list[str]:
    if not folder.path.is_dir():
        return []
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(str(folder.path))]
    own = {path.name for path in _own_paths(folder)}
    foreign = {name for name in names if not name.startswith(".") and name not in own}
    return sorted(name for name in foreign if not name.endswith(_MAY_BE_THERE))


def _own_paths(folder: RunFolder) -> list[Path | RemotePath]:
    """Returns what a run may write before its first checkpoint."""
    texts = [folder.config, folder.operative_config, folder.provenance, folder.categories_file]
    weights = [folder.checkpoints, folder.best]
    reports = [folder.summaries, folder.results_file, folder.not_finite, folder.time_plan]
    return [*texts, *weights, *reports, folder.wandb_id, folder.path / "wandb"]
