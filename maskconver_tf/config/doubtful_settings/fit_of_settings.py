"""Prints where the settings of a loaded configuration do not fit its dataset."""

from __future__ import annotations

import inspect
import sys

from maskconver_tf.config import configuration
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.input.targets import TargetBuilder
from maskconver_tf.planning.dataset_check.advice.settings_advice import TrainingView
from maskconver_tf.planning.dataset_check.advice.training_warnings import training_warnings
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tasks.task import Task

_MASK_LEVEL = 2


def warn_of_settings(task: Task) -> None:
    """Prints a line on stderr for each setting of a panoptic training that does not fit.

    Args:
      task: of the loaded configuration.
    """
    for warning in _warnings(task):
        print(f"warning: {warning}", file=sys.stderr)


def _warnings(task: Task) -> list[str]:
    if not isinstance(task, PanopticTask) or not isinstance(task.train_input, TrainingInput):
        return []
    data = task.train_input
    of_model = _model_settings()
    view = TrainingView(
        **{key: value for key, value in of_model.items() if key == "num_proposals"},
        train_size=tuple(data.input_size),
        scale_range=tuple(data.scale_range),
    )
    eval_size = tuple(getattr(task.eval_input, "input_size", data.input_size))
    num_slots = configuration.argument(TargetBuilder, "num_slots")
    stride = 2 ** of_model.get("mask_level", _MASK_LEVEL)
    return training_warnings(data.data_dir, eval_size, num_slots, stride, view)


def _model_settings() -> dict[str, int]:
    """The settings of the model that limit what it can find, as far as it has them."""
    found = configuration.bound_reference(PanopticTask, "model")
    known = inspect.signature(found[1]).parameters if found else {}
    names = [name for name in ("num_proposals", "mask_level") if name in known]
    return {name: configuration.argument(found[1], name) for name in names}
