"""What a run was made with: for the run's folder, so that it explains itself later."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import tensorflow as tf

_PACKAGES = ("maskconver_tf", "tensorflow", "tf_keras", "tf-models-official", "numpy", "gin-config")


def describe(seed: int) -> str:
    """JSON: command, time, seed, devices, versions, and the git revision of the code, if any.

    Of the strategy in scope.
    """
    strategy = tf.distribute.get_strategy()
    content: dict[str, Any] = {
        "command": shlex.join(sys.argv),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seed": seed,
        "strategy": type(strategy).__name__,
        "replicas": strategy.num_replicas_in_sync,
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "machine": platform.platform(),
        "python": platform.python_version(),
        "git_revision": _git_revision(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }
    return json.dumps(content, indent=1) + "\n"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    """Of the checkout this package is in, with a + where files were changed; None elsewhere."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    ask = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty=+"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
