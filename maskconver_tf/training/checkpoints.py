"""Checkpoints: what a run needs to go on."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError


def make_checkpoint_manager(
    folder: Path,
    model: tf_keras.Model,
    optimizer: tf_keras.optimizers.Optimizer,
    interval: int,
    keep: int,
) -> tf.train.CheckpointManager:
    """Keeps model and optimizer (moving averages and step counter included) in `folder`.

    The data pipeline is a function of the step and needs no place of its own. The newest
    checkpoint, if there is one, is restored.

    Args:
      folder: of the checkpoints.
      model: built.
      optimizer: built for the model.
      interval: steps between two checkpoints.
      keep: how many to keep.
    """
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(model=model, optimizer=optimizer),
        str(folder),
        max_to_keep=keep,
        step_counter=optimizer.iterations,
        checkpoint_interval=interval,
    )
    if manager.latest_checkpoint:
        load_weights(manager.checkpoint, manager.latest_checkpoint)
    return manager


def load_weights(checkpoint: tf.train.Checkpoint, path: str) -> None:
    """Restores a checkpoint whole.

    Raises:
      UserError: a weight is missing or has another shape.
    """
    try:
        status = checkpoint.read(path)
        status.assert_existing_objects_matched().expect_partial()
    except (ValueError, AssertionError, tf.errors.OpError) as error:
        raise UserError(
            f"{path}: the checkpoint does not fit the model: {_first_line(error)}. Another "
            "configuration wrote it (another class count or width, say); use the run's own config "
            "or another --model_dir"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
