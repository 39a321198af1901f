"""Sends what TensorBoard gets to Weights & Biases too; the extra `wandb`, off by default."""

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
    """A W&B run that belongs to a run's folder: started again, the folder goes on with it.

    Args:
      module: `wandb`.
      run: of it.
    """

    def __init__(self, module: ModuleType, run: Any):
        self._module = module
        self._run = run

    def __call__(self, step: int, values: Mapping[str, float | np.ndarray]) -> None:
        """Logs numbers and uint8 pictures `[h, w, 3]` by name."""
        pictures = {name: value for name, value in values.items() if np.ndim(value) == 3}
        numbers = {n: float(value) for n, value in values.items() if n not in pictures}
        shown = {name: self._module.Image(picture) for name, picture in pictures.items()}
        # A run that goes on from a checkpoint comes to some steps twice: the step is one value
        # among others, not W&B's own, which may only rise.
        self._run.log({"step": step, **numbers, **shown})


def check_wandb(project: str | None) -> None:
    """Stops early where a project is given and the package is missing."""
    if project:
        _wandb(project)


@contextlib.contextmanager
def wandb_log(project: str | None, folder: RunFolder) -> Iterator[WandbLog | None]:
    """Within it the log of a run's folder; None where no project is given.

    W&B's own settings, such as WANDB_MODE=offline, apply.

    Raises:
      UserError: the package is missing, or W&B does not let this process log.
    """
    if not project:
        yield None
        return
    wandb = _wandb(project)
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
    # It raises errors of its own, of its server's and of the network.
    except Exception as error:
        raise UserError(
            f"Saving.wandb_project = {project!r}: Weights & Biases cannot be used ({error}); run "
            "`wandb login`, set WANDB_MODE=offline, or leave the setting out"
        ) from error
    try:
        run.define_metric("*", step_metric="step")
        yield WandbLog(wandb, run)
    finally:
        run.finish()


def _config(folder: RunFolder) -> dict[str, Any]:
    """What the folder says about the run: started by what, with which settings."""
    config = {}
    if folder.provenance.exists():
        config["run"] = json.loads(folder.provenance.read_text())
    if folder.operative_config.exists():
        config["operative_config"] = folder.operative_config.read_text()
    return config


def _wandb(project: str) -> ModuleType:
    try:
        return importlib.import_module("wandb")
    except ImportError as error:
        raise UserError(
            f"Saving.wandb_project = {project!r}: the package wandb is not installed; run "
            "`pip install 'maskconver_tf[wandb]'`, or leave the setting out"
        ) from error
