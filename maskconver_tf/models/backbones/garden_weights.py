"""Checkpoints of the Model Garden, into its own networks."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError


def load_garden_weights(network: tf_keras.Model, path: str, argument: str) -> None:
    """Fills a network of `official.vision` from a checkpoint that holds it as `backbone`.

    Every checkpoint does that the Model Garden's trainer writes or its documentation links to:
    classification, detection and segmentation alike.

    Args:
      network: whole, as the Model Garden makes it; a cut one has other layer numbers.
      path: a checkpoint (`.../ckpt-100`) or a folder of them, then the newest; local or `gs://`.
      argument: what the path was given as, for messages.

    Raises:
      UserError: there is no checkpoint, or it is of another network.
    """
    checkpoint = find_checkpoint(path)
    if checkpoint is None:
        raise UserError(
            f"{argument} = {path!r}: no checkpoint is there; expected a folder with one or its "
            "name without .index, such as 'gs://BUCKET/resnet50/ckpt-28080'"
        )
    try:
        status = tf.train.Checkpoint(backbone=network).read(checkpoint)
        status.assert_existing_objects_matched().expect_partial()
    # The last two, where its data is cut short.
    except (ValueError, AssertionError, tf.errors.OpError, IndexError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UserError(
            f"{argument} = {path!r}: {checkpoint} does not hold this network as `backbone` "
            f"({reason}); expected a Model Garden checkpoint of the same depth or variant, width "
            "and stem. A run of this package goes into train.init_from"
        ) from error


def find_checkpoint(path: str) -> str | None:
    """The TensorFlow checkpoint at `path`, or the newest in that folder; None without one."""
    try:
        if tf.io.gfile.exists(f"{path}.index"):
            return path
        return tf.train.latest_checkpoint(path)
    except tf.errors.OpError as error:
        reason = " ".join(error.message.split())
        raise UserError(
            f"{path}: cannot be read ({reason}); check the address and the access to it, or copy "
            "the checkpoint here and give its path"
        ) from error
