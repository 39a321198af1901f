"""Sends the numbers and pictures for TensorBoard to Weights & Biases (W&B) too, if asked.

This needs the extra `wandb`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.files.whole_file import write_text_whole
from maskconver_tf.training.run_files.run_folder import RunFolder


class WandbLog:
    """Logs to the W&B run of a run's folder. A training that resumes also resumes its W&B run.

    Args:
      module: the module `wandb`.
      run: a run of this module.
    """

    def __init__(self, module: ModuleType, run: Any):
        self._module = module
        self._run = run

    def __call__(self, step: int, values: Mapping[str, float | np.ndarray]) -> None:
        """Logs numbers and uint8 pictures `[h, w, 3]` by name."""
        pictures = {name: value for name, value in values.items() if np.ndim(value) == 3}
        numbers = {n: float(value) for n, value in values.items() if n not in pictures}
        shown = {name: self._module.Image(picture) for name, picture in pictures.items()}
        # A run that resumes from a checkpoint repeats some steps, but W&B's own step may only rise.
        # Therefore the step is logged as an ordinary value.
        self._run.log({"step": step, **numbers, **shown})


def check_wandb_installed(project: str | None) -> None:
    """Raises `UserError` if a project is given but the package `wandb` is missing."""
    if project:
        _import_wandb(project)


@contextlib.contextmanager
def open_wandb_log(project: str | None, folder: RunFolder) -> Iterator[WandbLog | None]:
    """Opens the log of a run's folder. Yields None if no project is given.

    W&B's own settings apply, such as WANDB_MODE=offline.

    Raises:
      UserError: the package is missing, or W&B refuses the run.
    """
    if not project:
        yield None
        return
    wandb = _import_wandb(project)
    if not folder.wandb_id.exists():
        write_text_whole(folder.wandb_id, secrets.token_hex(6) + "\n")
    try:
        run = wandb.init(
            project=project,
            name=folder.path.name,
            id=folder.wandb_id.read_text().strip(),
            resume="allow",
            dir=str(folder.path) if isinstance(folder.path, Path) else None,
            config=_config(folder),
            settings=wandb.Settings(console="off"),
        )
    # W&B raises its own errors, errors of its server and errors of the network.
    except Exception as error:
        raise UserError(
            f"Saving.wandb_project = {project!r}: Weights & Biases cannot be used ({error}). Run "
            "`wandb login`, set WANDB_MODE=offline, or remove this setting"
        ) from error
    try:
        run.define_metric("*", step_metric="step")
        yield WandbLog(wandb, run)
    finally:
        run.finish()


def _config(folder: RunFolder) -> dict[str, Any]:
    """Reads from the folder how the run was started and with which settings."""
    config = {}
    if folder.provenance.exists():
        config["run"] = json.loads(folder.provenance.read_text())
    if folder.operative_config.exists():
        config["operative_config"] = folder.operative_config.read_text()
    return config


def _import_wandb(project: str) -> ModuleType:
    try:
        return importlib.import_module("wandb")
    except ImportError as error:
        raise UserError(
            f"Saving.wandb_project = {project!r}: the package wandb is not installed. Run "
            "`pip install 'maskconver_tf[wandb]'`, or remove this setting"
        ) from error
