"""Describes how a run was started: its command, seed, machine and versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import tensorflow as tf

from maskconver_tf.inference.tiles.training_scale import PICTURE_SIZES, picture_sizes

_PACKAGES = ("maskconver_tf", "tensorflow", "tf_keras", "tf-models-official", "numpy", "gin-config")


def run_provenance(seed: int, data: str | None = None) -> str:
    """Returns the content of `run.json`, which the run's folder keeps.

    This is a JSON object with the command, the folder it was started in, the start time, the seed,
    the strategy in scope, the devices, the versions of packages, the git revision of the code if it
    has one, and height and width of the first pictures of the dataset folder `data`.
    """
    strategy = tf.distribute.get_strategy()
    content: dict[str, Any] = {
        "command": shlex.join(sys.argv),
        "folder": os.getcwd(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seed": seed,
        "strategy": type(strategy).__name__,
        "replicas": strategy.num_replicas_in_sync,
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "machine": platform.platform(),
        "python": platform.python_version(),
        "git_revision": git_revision(),
        "packages": {name: _version(name) for name in _PACKAGES},
        PICTURE_SIZES: picture_sizes(data),
    }
    return json.dumps(content, indent=1) + "\n"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def git_revision() -> str | None:
    """Returns the revision of the checkout that holds this package, with a + if files changed.

    Returns None if the package is not in a checkout.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
