"""Reads checkpoints: restores them whole, and skips damaged ones."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import explain_write_errors, short_reason
from maskconver_tf.files.paths import RemotePath, pattern_free_path
from maskconver_tf.files.whole_file import write_text_whole

READ_ERRORS = (ValueError, RuntimeError, IndexError, tf.errors.OpError)
"""Errors of TensorFlow's reader if a checkpoint is damaged or belongs to another model."""


def restore_checkpoint(checkpoint: tf.train.Checkpoint, path: str) -> None:
    """Restores all objects of `checkpoint` from the file.

    Raises:
      UserError: a weight is missing or has another shape, or the file is damaged.
    """
    try:
        status = checkpoint.read(pattern_free_path(path))
        status.expect_partial().assert_existing_objects_matched()
    except (AssertionError, *READ_ERRORS) as error:
        if reason := _find_damage(path):
            raise UserError(
                f"{path}: damaged ({reason}). Copy it back from a backup. If it is in best/, you "
                "may delete that folder instead: then the newest checkpoint in checkpoints/ is used"
            ) from error
        raise UserError(
            f"{path}: the checkpoint does not fit the model: {_reason(error)}. Another "
            "configuration wrote it, for example with another class count, width or optimizer. Use "
            "the run's own configuration or another --model_dir"
        ) from error


def holds(path: str, *names: str) -> bool:
    """Whether a checkpoint has values of all of its objects `names`. True if it is unreadable."""
    try:
        keys = tf.train.load_checkpoint(pattern_free_path(path)).get_variable_to_shape_map()
    except READ_ERRORS:  # `restore_checkpoint` will say why.
        return True
    return {*names} <= {key.partition("/")[0] for key in keys}


def newest_checkpoint(folder: Path | RemotePath) -> str | None:
    """Returns the checkpoint that TensorFlow's file `checkpoint` calls the newest.

    If this file is missing or damaged or names one that is gone, it is the one with the highest
    step. Returns None if there is none.
    """
    found = _list_checkpoints(folder)
    listed = [prefix for prefix in found if os.path.basename(prefix) == _newest_by_list(folder)]
    return next(iter(listed or found[::-1]), None)


def skip_damaged_checkpoints(folder: Path | RemotePath) -> None:
    """Makes the newest readable checkpoint the newest one of the folder, and reports damaged ones.

    The files in the folder decide, not the list in the file `checkpoint`, which may be lost or one
    step old. The run writes a damaged checkpoint again when it reaches that step again. This also
    deletes what a killed process left of a half-written checkpoint. Therefore no other process may
    write into the folder at the same time.

    Raises:
      UserError: there are checkpoints but none is readable, or the folder cannot be written.
    """
    prefixes = _list_checkpoints(folder)
    with explain_write_errors(folder):
        _delete_half_written(folder)
    damaged = {}
    while prefixes and (reason := _find_damage(prefixes[-1])):
        damaged[prefixes.pop()] = reason
    for prefix, reason in damaged.items():
        after = f"the run continues from {prefixes[-1]}" if prefixes else "there is no earlier one"
        print(f"{prefix}: damaged ({reason}), skipped; {after}", file=sys.stderr)
    if damaged and not prefixes:
        raise UserError(
            f"{folder}: none of {len(damaged)} checkpoints is readable. Copy one back from a "
            "backup, or choose another --model_dir and set train.init_from to the run's folder"
        )
    if not prefixes:
        with explain_write_errors(folder):  # The list names no checkpoint that is here.
            (folder / "checkpoint").unlink(missing_ok=True)
    elif _newest_by_list(folder) != os.path.basename(prefixes[-1]):
        names = [prefix.rpartition("/")[2] for prefix in prefixes]
        with explain_write_errors(folder):
            write_text_whole(folder / "checkpoint", _checkpoint_state(names))


def _checkpoint_state(names: list[str]) -> str:
    """Returns the content of TensorFlow's file `checkpoint`, for checkpoints from old to new.

    TensorFlow has a function for this, but it omits the times. Without times TensorFlow never
    deletes a checkpoint. The times only need to be in order.
    """
    lines = [f'model_checkpoint_path: "{names[-1]}"', "last_preserved_timestamp: 0.5"]
    for time, name in enumerate(names, start=1):
        lines += [f'all_model_checkpoint_paths: "{name}"']
        lines += [f"all_model_checkpoint_timestamps: {time}.0"]
    return "\n".join(lines) + "\n"


def _newest_by_list(folder: Path | RemotePath) -> str | None:
    """Returns the name of the newest checkpoint by the file `checkpoint`; None if unreadable."""
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except ValueError:  # The file is empty.
        return None
    return os.path.basename(state.model_checkpoint_path) if state else None


def _list_checkpoints(folder: Path | RemotePath) -> list[str]:
    """Returns the paths of the checkpoints in a folder, oldest first."""
    if not tf.io.gfile.isdir(str(folder)):
        return []
    matches = [re.fullmatch(r"(ckpt-(\d+))\.index", n) for n in tf.io.gfile.listdir(str(folder))]
    found = sorted((int(match[2]), match[1]) for match in matches if match)
    return [str(folder / name) for _, name in found]


def _delete_half_written(folder: Path | RemotePath) -> None:
    """Deletes the folders in which TensorFlow writes checkpoints before it renames them."""
    if tf.io.gfile.isdir(str(folder)):
        for name in tf.io.gfile.listdir(str(folder)):
            if re.fullmatch(r"ckpt-\d+_temp/?", name):
                tf.io.gfile.rmtree(str(folder / name.rstrip("/")))


def _find_damage(prefix: str) -> str | None:
    """Reads every byte of a checkpoint. Returns the first error, or None if it is readable."""
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(pattern_free_path(prefix))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except READ_ERRORS as error:
        return _reason(error).replace(pattern_free_path(prefix), prefix)
    return None


def _reason(error: Exception) -> str:
    return short_reason(error) or type(error).__name__
