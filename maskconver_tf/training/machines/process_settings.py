"""Settings that TensorFlow keeps for the whole process: precision, seeds, determinism."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf.setting_checks import check_choices

PRECISIONS = ("float32", "mixed_bfloat16")
"""docs/tpu.md says which parts stay in float32 in both."""

LARGEST_SEED = 2**32 - 1
"""NumPy takes no larger one."""


def prepare_process(precision: str, seed: int = 0, deterministic: bool = False) -> None:
    """Prepares this process for a training, see `Compute`."""
    tf_keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    # With this setting random layers draw from a generator that a checkpoint can hold.
    tf_keras.backend.experimental.enable_tf_random_generator()
    set_precision("Compute", precision)


def set_precision(where: str, precision: str) -> None:
    """Sets the precision policy for all layers that are made afterwards.

    Args:
      where: the name of the setting's group, for the error.
      precision: the policy, one of `PRECISIONS`. Float16 is not allowed: its gradients vanish
        unless the loss is scaled, and this package does not scale it.

    Raises:
      UserError: the precision is not one of `PRECISIONS`.
    """
    check_choices(where, PRECISIONS, precision=precision)
    tf_keras.mixed_precision.set_global_policy(precision)
