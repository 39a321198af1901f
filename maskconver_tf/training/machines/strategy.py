"""Where a run computes: one device, several, several machines, or a TPU."""

from __future__ import annotations

import os
import socket
import sys

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.training.machines.cluster import read_cluster

_PATIENCE_S = 20.0
"""For a TPU's host to accept a connection; TensorFlow would wait for ever, and in silence."""

_NAMES = '"auto", "cpu", "gpu", "mirrored", "multi_worker" or "tpu"'


def make_strategy(name: str = "auto", tpu: str = "local") -> tf.distribute.Strategy:
    """A distribution strategy by name.

    Args:
      name: "auto" (all GPUs if there are any, else the CPU), "cpu", "gpu" (one), "mirrored" (all
        GPUs; all logical CPUs where a program made several, as tests do), "multi_worker" (this
        process and those that `training.cluster` finds in the environment; to be called before any
        operation) or "tpu".
      tpu: for "tpu", the name or grpc:// address of one or of a slice; "local" is the one this
        machine has.

    Raises:
      UserError: an unknown name, or a device that is not there.
    """
    if name == "multi_worker":
        return _multi_worker_strategy()
    if name == "tpu":
        return _tpu_strategy(tpu)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "auto":
        name = "cpu" if not gpus else "gpu" if len(gpus) == 1 else "mirrored"
    cpus = tf.config.list_logical_devices("CPU")
    if not gpus and (name == "gpu" or (name == "mirrored" and len(cpus) == 1)):
        raise UserError(
            f'strategy "{name}": TensorFlow sees no GPU; check nvidia-smi and the '
            'tensorflow[and-cuda] install, or use strategy "cpu"'
        )
    if name == "cpu":
        return tf.distribute.OneDeviceStrategy("CPU:0")
    if name == "gpu":
        return tf.distribute.OneDeviceStrategy("GPU:0")
    if name == "mirrored":
        return tf.distribute.MirroredStrategy([device.name for device in gpus or cpus])
    raise UserError(f'strategy "{name}": expected {_NAMES}')


def _multi_worker_strategy() -> tf.distribute.Strategy:
    cluster = read_cluster(os.environ)
    os.environ["TF_CONFIG"] = cluster.to_tf_config()  # Where TensorFlow reads it.
    own = cluster.hosts[cluster.role][cluster.index]
    if cluster.num_workers > 1:  # TensorFlow waits without a word, if need be for one misspelt.
        everyone = ", ".join(host for hosts in cluster.hosts.values() for host in hosts)
        print(f"worker {own}: waiting until all are there: {everyone}", file=sys.stderr, flush=True)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f'strategy "multi_worker": worker {own} could not join the others ({reason}); is the '
            "port free here, and do all workers run and reach each other?"
        ) from error


def _tpu_strategy(tpu: str) -> tf.distribute.Strategy:
    resolvers = tf.distribute.cluster_resolver.TPUClusterResolver
    try:
        if tpu != "local":
            _check_answers(resolvers(tpu).master())
        resolver = resolvers.connect(tpu)
    # Google's client libraries and urllib raise what they like; a wrong name is among it.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f'strategy "tpu": no TPU answers at "{tpu}" ({reason}); on a TPU VM with '
            'tensorflow-tpu use tpu = "local", elsewhere its name or grpc:// address; without a '
            'TPU, strategy "auto"'
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def _check_answers(address: str) -> None:
    """Raises an `OSError` where nobody listens at host:port, with grpc:// before it or not."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), _PATIENCE_S).close()
