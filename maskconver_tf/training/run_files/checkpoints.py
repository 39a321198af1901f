"""Writes checkpoints, from which a run resumes: whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf.files.disk_errors import DISK_ERRORS, write_error
from maskconver_tf.files.paths import RemotePath, pattern_free_path
from maskconver_tf.training.run_files.checkpoint_reading import (
    holds,
    newest_checkpoint,
    restore_checkpoint,
)


class CheckpointManager(tf.train.CheckpointManager):
    """TensorFlow's manager, which also writes in the background and reports errors in one message.

    To write in the background, the manager copies all values between two steps, and one thread
    writes the copy. The next save waits for this thread.

    TensorFlow always writes a checkpoint under temporary names first. The checkpoint counts once
    its index has the final name. Therefore the earlier checkpoints stay good, whenever the process
    dies.

    docs/decisions/async-checkpoints.md says why the thread is TensorFlow's own.

    Args:
      checkpoint: all objects that a run needs to resume.
      directory: folder of the checkpoints.
      in_background: whether to write in the background. If False, `save` returns after the write.
      **options: options of `tf.train.CheckpointManager`.
    """

    def __init__(
        self,
        checkpoint: tf.train.Checkpoint,
        directory: str,
        in_background: bool = False,
        **options: Any,
    ):
        self._shown_directory = directory
        super().__init__(checkpoint, pattern_free_path(directory), **options)
        self._options = tf.train.CheckpointOptions(
            experimental_enable_async_checkpoint=in_background
        )

    def restore_or_initialize(self) -> None:
        """Does nothing. Orbit calls it, but `make_checkpoint_manager` has already restored."""

    def save(
        self,
        checkpoint_number: int | None = None,
        check_interval: bool = True,
        options: tf.train.CheckpointOptions | None = None,
    ) -> str | None:
        """Saves as TensorFlow's manager does, but with the options of this manager.

        Raises:
          UserError: the disk is full or the folder cannot be written, now or during the earlier
            write in the background.
        """
        with self._explain_errors(), _copy_untraced():
            return self._shown(super().save(checkpoint_number, check_interval, self._options))

    def sync(self) -> None:
        """Waits for the write in the background, then calls `check_background_write`."""
        super().sync()
        self.check_background_write()

    def check_background_write(self, output: dict | None = None) -> None:
        """Raises `UserError` if the write in the background failed. An Orbit train action."""
        if error := self._take_error():
            with self._explain_errors():
                raise error

    @contextlib.contextmanager
    def wait_at_end(self) -> Iterator[None]:
        """Waits for the write in the background when the block ends, even after an error.

        Then it calls `check_background_write`, unless the block itself raised an error.
        """
        try:
            yield
        except BaseException:
            super().sync()
            self._take_error()
            raise
        self.sync()

    def _take_error(self) -> Exception | None:
        """Returns the error of the write in the background, and removes it."""
        # The attributes are private, but nothing public has the error before the next write.
        writer = self.checkpoint._async_checkpointer_impl
        if writer is None:
            return None
        error, writer._async_error = writer._async_error, None
        return error

    def _shown(self, prefix: str | None) -> str | None:
        """Returns the path of a checkpoint as people know it; see `pattern_free_path`."""
        return prefix and prefix.replace(self.directory, self._shown_directory, 1)

    @contextlib.contextmanager
    def _explain_errors(self) -> Iterator[None]:
        """Turns a write error in the block into a `UserError` that names the last good state."""
        try:
            yield
        except DISK_ERRORS as error:
            good = self._shown(self.latest_checkpoint)
            safe = f"{good} is the last good state" if good else "Nothing was saved before"
            raise write_error(self._shown_directory, error, safe) from None


@contextlib.contextmanager
def _copy_untraced() -> Iterator[None]:
    """Makes TensorFlow copy variables without tracing first, in this context.

    For a thousand small variables tracing takes as long as copying them forty times. On several
    replicas TensorFlow still traces, because they reduce batch statistics with collective
    operations, which would wait for each other forever outside a function.
    """
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
    """Makes a manager and restores the newest checkpoint, if there is one.

    A checkpoint holds the model, the optimizer (with moving averages and step counter), the
    averages of batch norms' statistics and the state of random layers. An old checkpoint without
    these averages lets them start from the statistics. The data pipeline depends only on the step,
    so it needs no state.

    Args:
      folder: folder of the checkpoints.
      model: built.
      optimizer: built for the model.
      interval: steps between two checkpoints.
      keep: number of newest checkpoints to keep.
      restore_from: folder of the checkpoint to restore. None for `folder`.
      in_background: see `CheckpointManager`.

    Raises:
      UserError: see `restore_checkpoint`.
    """
    objects = {"model": model, "optimizer": optimizer, **random_generators(model)}
    averages = optimizer.statistics_averages
    own = {"statistics_averages": averages.values} if averages.values else {}
    if newest := newest_checkpoint(restore_from or folder):
        is_old = not holds(newest, *own)
        restore_checkpoint(tf.train.Checkpoint(**objects, **({} if is_old else own)), newest)
        if is_old:
            averages.start_from_model()
    return CheckpointManager(
        tf.train.Checkpoint(**objects, **own),
        str(folder),
        in_background,
        max_to_keep=keep,
        step_counter=optimizer.iterations,
        checkpoint_interval=interval,
        last_checkpoint_step=int(optimizer.iterations.numpy()),
    )


def random_generators(model: tf_keras.Model) -> dict[str, list[tf.random.Generator]]:
    """Returns the random generators of a model's layers, under a name for `tf.train.Checkpoint`.

    The result is empty if no layer has a generator. Keras does not put generators into the
    checkpoint of a model, which holds only weights.
    """
    layers = [
        m for m in model.submodules if isinstance(m, tf_keras.__internal__.layers.BaseRandomLayer)
    ]
    sources = [layer._random_generator._generator for layer in layers]
    generators = [source for source in sources if source is not None]
    return {"random": generators} if generators else {}
