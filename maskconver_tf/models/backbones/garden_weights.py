"""Loads checkpoints of the Model Garden into networks of the Model Garden."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import pattern_free_path


def load_garden_weights(network: tf_keras.Model, path: str, argument: str) -> None:
    """Loads a network of `official.vision` from a checkpoint that has it under `backbone`.

    This works for every checkpoint that the Model Garden's trainer writes or its documentation
    links to: for classification, detection and segmentation.

    Args:
      network: the whole network of the Model Garden. If layers are removed, their numbers differ.
      path: a checkpoint (`.../ckpt-100`), or a folder, for its newest checkpoint; local or `gs://`.
      argument: name of the argument that has the path, for messages.

    Raises:
      UserError: there is no checkpoint, or it has another network.
    """
    checkpoint = find_checkpoint(path)
    if checkpoint is None:
        raise UserError(
            f"{argument} = {path!r}: no checkpoint is there; expected a folder with one, or its "
            "name without .index, such as 'gs://BUCKET/resnet50/ckpt-28080'. Correct the path, or "
            f"set {argument} = None to start from random weights"
        )
    try:
        status = tf.train.Checkpoint(backbone=network).read(pattern_free_path(checkpoint))
        status.expect_partial().assert_existing_objects_matched()
    # TensorFlow raises the last two for a checkpoint with truncated data.
    except (ValueError, AssertionError, tf.errors.OpError, IndexError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UserError(
            f"{argument} = {path!r}: {checkpoint} does not hold this network as `backbone` "
            f"({reason}); expected a Model Garden checkpoint of the same depth or variant, width "
            "and stem. To start from a run of this package, set train.init_from"
        ) from error


def find_checkpoint(path: str) -> str | None:
    """Finds the TensorFlow checkpoint at `path`, or the newest one in that folder, or None."""
    try:
        if tf.io.gfile.exists(f"{path}.index"):
            return path
        folder = pattern_free_path(path)
        newest = tf.train.latest_checkpoint(folder)
        return newest and newest.replace(folder, path, 1)
    except ValueError:  # The file `checkpoint` is empty.
        return None
    except tf.errors.OpError as error:
        reason = " ".join(error.message.split())
        raise UserError(
            f"{path}: cannot be read ({reason}); check the address and your access to it, or copy "
            "the checkpoint to this machine and give its path"
        ) from error
