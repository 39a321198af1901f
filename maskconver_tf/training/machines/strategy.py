"""Chooses where a run computes: on one device, on several, on several machines, or on a TPU."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

import tensorflow as tf

from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.files.disk_errors import short_reason
from maskconver_tf.training.machines.cluster import read_cluster

_TPU_TIMEOUT_S = 20.0
"""A TPU's host must accept a connection within this time. TensorFlow itself would wait forever."""

STRATEGIES = ("auto", "cpu", "gpu", "mirrored", "multi_worker", "tpu")
"""The names that `make_strategy` knows."""


def make_strategy(name: str = "auto", tpu: str = "local") -> tf.distribute.Strategy:
    """Makes a distribution strategy by name.

    Args:
      name: one of
        - "auto": all GPUs, or the CPU if there are none;
        - "cpu": the CPU;
        - "gpu": one GPU;
        - "mirrored": all GPUs, or all logical CPUs if a program has made several, as tests do;
        - "multi_worker": this process and those that `read_cluster` finds in the environment. Make
          this strategy before any TensorFlow operation;
        - "tpu": a TPU.
      tpu: for "tpu": the name or grpc:// address of a TPU or a slice, or "local" for the TPU of
        this machine.

    Raises:
      UserError: the name is unknown, or the machine has no such device.
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
            f'strategy "{name}": TensorFlow sees no GPU. Check nvidia-smi and the installation of '
            'tensorflow[and-cuda], or use strategy "cpu"'
        )
    if name == "cpu":
        return tf.distribute.OneDeviceStrategy("CPU:0")
    if name == "gpu":
        return tf.distribute.OneDeviceStrategy("GPU:0")
    if name == "mirrored":
        return tf.distribute.MirroredStrategy([device.name for device in gpus or cpus])
    known = ", ".join(STRATEGIES)
    raise UserError(f"strategy = {typed_repr(name)}: expected one of {known}, in quotes")


def distribute(
    make_batches: Callable[[tf.distribute.InputContext], tf.data.Dataset],
    strategy: tf.distribute.Strategy,
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Gives each replica its batches, ahead of time where they go to another device.

    A single CPU has its batches already and gets the dataset itself. `tf.distribute` would put one
    of its own behind it, whose end often stands still (see `without_autotuning`).
    """
    if isinstance(strategy, tf.distribute.OneDeviceStrategy):
        (device,) = strategy.extended.worker_devices
        if tf.DeviceSpec.from_string(device).device_type == "CPU":
            return make_batches(tf.distribute.InputContext())
    return strategy.distribute_datasets_from_function(make_batches)


def _multi_worker_strategy() -> tf.distribute.Strategy:
    cluster = read_cluster(os.environ)
    os.environ["TF_CONFIG"] = cluster.to_tf_config()  # TensorFlow reads it there.
    own = cluster.hosts[cluster.role][cluster.index]
    if cluster.num_workers > 1:  # TensorFlow waits silently, even for a misspelt host.
        everyone = ", ".join(host for hosts in cluster.hosts.values() for host in hosts)
        print(f"worker {own}: waiting for all workers: {everyone}", file=sys.stderr, flush=True)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise UserError(
            f'strategy "multi_worker": worker {own} could not join the others '
            f"({short_reason(error)}). Check that its port is free, that all workers run, and that "
            "they can reach each other"
        ) from error


def _tpu_strategy(tpu: str) -> tf.distribute.Strategy:
    resolvers = tf.distribute.cluster_resolver.TPUClusterResolver
    try:
        if tpu != "local":
            _check_answers(resolvers(tpu).master())
        resolver = resolvers.connect(tpu)
    # Google's client libraries and urllib raise errors of many types, also for a wrong name.
    except Exception as error:
        raise UserError(
            f'strategy "tpu": no TPU answers at "{tpu}" ({short_reason(error)}). On a TPU VM with '
            'tensorflow-tpu set tpu = "local"; elsewhere set it to the name or grpc:// address of '
            'the TPU. Without a TPU use strategy "auto"'
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def _check_answers(address: str) -> None:
    """Raises an `OSError` if no process listens at host:port. The address may begin with grpc://."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), _TPU_TIMEOUT_S).close()
