"""Where a run computes: one device, several, or a TPU."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.errors import UserError


def make_strategy(name: str = "auto", tpu: str = "local") -> tf.distribute.Strategy:
    """A distribution strategy by name.

    Args:
      name: "auto" (all GPUs if there are any, else the CPU), "cpu", "gpu" (one), "mirrored" (all
        GPUs, or all logical CPUs where there is none) or "tpu".
      tpu: for "tpu", the address or name; "local" is the one this machine has.

    Raises:
      UserError: an unknown name, or a device that is not there.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if name == "auto":
        name = "cpu" if not gpus else "gpu" if len(gpus) == 1 else "mirrored"
    if name == "gpu" and not gpus:
        raise UserError(
            'strategy "gpu": TensorFlow sees no GPU; check nvidia-smi and the tensorflow[and-cuda] '
            'install, or use strategy "cpu"'
        )
    if name == "cpu":
        return tf.distribute.OneDeviceStrategy("CPU:0")
    if name == "gpu":
        return tf.distribute.OneDeviceStrategy("GPU:0")
    if name == "mirrored":
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "tpu":
        return _tpu_strategy(tpu)
    raise UserError(f'strategy "{name}": expected "auto", "cpu", "gpu", "mirrored" or "tpu"')


def _tpu_strategy(tpu: str) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu)
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(
            f'strategy "tpu": no TPU answers at "{tpu}" ({error}); on a TPU VM use tpu = "local", '
            "elsewhere its name or grpc:// address"
        ) from error
    return tf.distribute.TPUStrategy(resolver)
