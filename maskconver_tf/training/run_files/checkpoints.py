"""Checkpoints: what a run needs to go on, written whole or not at all."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import DISK_ERRORS, explain_write_errors, write_error
from maskconver_tf.files.paths import RemotePath
from maskconver_tf.files.whole_file import write_text_whole

READ_ERRORS = (ValueError, RuntimeError, IndexError, tf.errors.OpError)
"""What TensorFlow's reader ends with where a checkpoint is damaged, or is another model's."""


class CheckpointManager(tf.train.CheckpointManager):
    """TensorFlow's, which writes while training goes on and ends with one message where it cannot.

    A checkpoint in the background is a copy of all values, taken between two steps and written by
    one thread; the next one waits for it. Either way it is written under other names first and
    counts once its index has its own, so that what was there before stays good whenever the
    process dies. Why it is TensorFlow's own thread: docs/decisions/async-checkpoints.md.

    Args:
      checkpoint: of all that a run needs.
      directory: of the checkpoints.
      in_background: write there; where False `save` returns once all is written.
      **options: of `tf.train.CheckpointManager`.
    """

    def __init__(
        self,
        checkpoint: tf.train.Checkpoint,
        directory: str,
        in_background: bool = False,
        **options: Any,
    ):
        super().__init__(checkpoint, directory, **options)
        self._options = tf.train.CheckpointOptions(
            experimental_enable_async_checkpoint=in_background
        )

    def restore_or_initialize(self) -> None:
        """Nothing: `make_checkpoint_manager` has restored. Orbit asks again."""

    def save(
        self,
        checkpoint_number: int | None = None,
        check_interval: bool = True,
        options: tf.train.CheckpointOptions | None = None,
    ) -> str | None:
        """As TensorFlow's; the options are the manager's own.

        Raises:
          UserError: the disk is full, or the folder cannot be written: now, or while the
            checkpoint before was written in the background.
        """
        with self._one_message(), _copying_untraced():
            return super().save(checkpoint_number, check_interval, self._options)

    def sync(self) -> None:
        """Waits until nothing is written any more; raises as `check` does."""
        super().sync()
        self.check()

    def check(self, output: dict | None = None) -> None:
        """Raises the `UserError` that `save` would, if the background met one; a train action."""
        if error := self._taken_error():
            with self._one_message():
                raise error

    @contextlib.contextmanager
    def closed_after(self) -> Iterator[None]:
        """Leaves nothing in writing behind, however the block ends; raises as `check` does, unless
        the block raised before."""
        try:
            yield
        except BaseException:
            super().sync()
            self._taken_error()
            raise
        self.sync()

    def _taken_error(self) -> Exception | None:
        """What the background met, once."""
        # Private, but nothing public tells of it before the next write.
        writer = self.checkpoint._async_checkpointer_impl
        if writer is None:
            return None
        error, writer._async_error = writer._async_error, None
        return error

    @contextlib.contextmanager
    def _one_message(self) -> Iterator[None]:
        try:
            yield
        except DISK_ERRORS as error:
            good = self.latest_checkpoint
            stands = f"{good} is the last good state." if good else "Nothing was saved before."
            raise write_error(self.directory, error, stands) from None


@contextlib.contextmanager
def _copying_untraced() -> Iterator[None]:
    """Within it TensorFlow does not trace its copying first, which for a thousand small variables
    takes as long as copying them forty times. On several replicas it does: they reduce batch
    statistics by collective operations, which wait for each other outside of a function."""
    before = tf.config.functions_run_eagerly()
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    tf.config.run_functions_eagerly(before or not several)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def make_checkpoint_manager(
    folder: Path | RemotePath,
    model: tf_keras.Model,
    optimizer: tf_keras.optimizers.Optimizer,
    interval: int,
    keep: int,
    restore_from: Path | RemotePath | None = None,
    in_background: bool = False,
) -> CheckpointManager:
    """Keeps model, optimizer (moving averages and step counter included) and the state of random
    layers in `folder`.

    The data pipeline is a function of the step and needs no place of its own. The newest
    checkpoint, if there is one, is restored.

    Args:
      folder: of the checkpoints.
      model: built.
      optimizer: built for the model.
      interval: steps between two checkpoints.
      keep: how many to keep.
      restore_from: where to look for the newest; None for `folder`.
      in_background: see `CheckpointManager`.
    """
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, **random_state(model))
    if newest := tf.train.latest_checkpoint(str(restore_from or folder)):
        load_weights(checkpoint, newest)
    return CheckpointManager(
        checkpoint,
        str(folder),
        in_background,
        max_to_keep=keep,
        step_counter=optimizer.iterations,
        checkpoint_interval=interval,
        last_checkpoint_step=int(optimizer.iterations.numpy()),
    )


def random_state(model: tf_keras.Model) -> dict[str, list[tf.random.Generator]]:
    """What a model's random layers draw from, by a name for `tf.train.Checkpoint`; else nothing.

    Keras keeps it out of the checkpoints of a model, so that they hold weights alone.
    """
    layers = [
        m for m in model.submodules if isinstance(m, tf_keras.__internal__.layers.BaseRandomLayer)
    ]
    sources = [layer._random_generator._generator for layer in layers]
    generators = [source for source in sources if source is not None]
    return {"random": generators} if generators else {}


def leave_out_damaged(folder: Path | RemotePath) -> None:
    """Makes the newest checkpoint that can be read the newest one there is, and says so.

    What is in the folder counts, not what its file `checkpoint` lists: that may be lost, or a step
    behind. A damaged checkpoint is written anew when the run comes to its step again. What a kill
    left of one in writing is deleted: nobody else may be writing into the folder.

    Raises:
      UserError: there are checkpoints, and none of them can be read; or the folder cannot be
        written.
    """
    prefixes = _written(folder)
    with explain_write_errors(folder):
        _delete_halves(folder)
    damaged = {}
    while prefixes and (reason := _damage(prefixes[-1])):
        damaged[prefixes.pop()] = reason
    for prefix, reason in damaged.items():
        after = f"goes on from {prefixes[-1]}" if prefixes else "no earlier one is there"
        print(f"{prefix}: damaged ({reason}) and left out; {after}", file=sys.stderr)
    if damaged and not prefixes:
        raise UserError(
            f"{folder}: none of {len(damaged)} checkpoints can be read; bring one back from a "
            "copy, or choose another --model_dir and set train.init_from to the run's folder"
        )
    known = tf.train.get_checkpoint_state(str(folder))
    if prefixes and (known is None or known.model_checkpoint_path != prefixes[-1]):
        names = [prefix.rpartition("/")[2] for prefix in prefixes]
        with explain_write_errors(folder):
            write_text_whole(folder / "checkpoint", _state(names))


def _state(names: list[str]) -> str:
    """TensorFlow's file `checkpoint`, for checkpoints from old to new.

    Its own function for that leaves the times out, without which none is ever deleted. They need
    only be in order.
    """
    lines = [f'model_checkpoint_path: "{names[-1]}"', "last_preserved_timestamp: 0.5"]
    for time, name in enumerate(names, start=1):
        lines += [f'all_model_checkpoint_paths: "{name}"']
        lines += [f"all_model_checkpoint_timestamps: {time}.0"]
    return "\n".join(lines) + "\n"


def _written(folder: Path | RemotePath) -> list[str]:
    """Names of the checkpoints in a folder, oldest first."""
    if not tf.io.gfile.isdir(str(folder)):
        return []
    matches = [re.fullmatch(r"(ckpt-(\d+))\.index", n) for n in tf.io.gfile.listdir(str(folder))]
    found = sorted((int(match[2]), match[1]) for match in matches if match)
    return [str(folder / name) for _, name in found]


def _delete_halves(folder: Path | RemotePath) -> None:
    """Deletes the folders that checkpoints are written in before they get their names."""
    if tf.io.gfile.isdir(str(folder)):
        for name in tf.io.gfile.listdir(str(folder)):
            if re.fullmatch(r"ckpt-\d+_temp/?", name):
                tf.io.gfile.rmtree(str(folder / name.rstrip("/")))


def _damage(prefix: str) -> str | None:
    """Why a checkpoint cannot be read, None where it can: every byte is checked."""
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except READ_ERRORS as error:
        return _first_line(error)
    return None


def load_weights(checkpoint: tf.train.Checkpoint, path: str) -> None:
    """Restores a checkpoint whole.

    Raises:
      UserError: a weight is missing or has another shape, or the file is damaged.
    """
    try:
        status = checkpoint.read(path)
        status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, *READ_ERRORS) as error:
        if reason := _damage(path):
            raise UserError(
                f"{path}: damaged ({reason}); bring it back from a copy or, if it is in best/, "
                "delete that folder: then the newest of checkpoints/ counts"
            ) from error
        raise UserError(
            f"{path}: the checkpoint does not fit the model: {_first_line(error)}. Another "
            "configuration wrote it (another class count, width or optimizer, say); use the run's "
            "own config or another --model_dir"
        ) from error


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")
