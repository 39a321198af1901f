"""Keeps old names of modules, functions and classes, so that old configurations still load.

Runs and users keep their configurations. These name modules as they were called when the files
were written. If you move or rename something that Gin files use, add the old name here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import gin

from maskconver_tf.config.bindings import Binding, Key, key_text

MODULES = {
    "maskconver_tf.data.augment.autoaugment": "maskconver_tf.input.augment.autoaugment",
    "maskconver_tf.data.augment.color_jitter": "maskconver_tf.input.augment.color_jitter",
    "maskconver_tf.data.augment.color_ops": "maskconver_tf.input.augment.color_ops",
    "maskconver_tf.data.augment.copy_paste": "maskconver_tf.input.augment.copy_paste",
    "maskconver_tf.data.classification_input": "maskconver_tf.input.classification_input",
    "maskconver_tf.data.pipeline": "maskconver_tf.input.pipeline",
    "maskconver_tf.data.semantic_targets": "maskconver_tf.input.semantic_targets",
    "maskconver_tf.data.targets": "maskconver_tf.input.targets",
    "maskconver_tf.training.show": "maskconver_tf.planning.show_inputs",
}
"""Old module -> new module."""

SELECTORS = {
    "maskconver_tf.training.show.show": "maskconver_tf.planning.show_inputs.show_inputs",
}
"""Old complete name of a function or class -> new complete name.

If only its module changed, `MODULES` is enough.
"""

_TRAIN = "maskconver_tf.training.train.train"
_SETTINGS = "maskconver_tf.training.run_settings"
_PANOPTIC_TASK = "maskconver_tf.training.tasks.panoptic_task.PanopticTask"
_NEW_OWNERS = {
    **dict.fromkeys(("total_steps", "steps_per_loop", "eval_interval"), f"{_SETTINGS}.RunLength"),
    **dict.fromkeys(("strategy", "tpu", "precision"), f"{_SETTINGS}.Compute"),
    **dict.fromkeys(("jit_compile", "deterministic"), f"{_SETTINGS}.Compute"),
    "accumulation_steps": f"{_SETTINGS}.Compute",
    **dict.fromkeys(("checkpoint_interval", "keep_checkpoints"), f"{_SETTINGS}.Saving"),
    **dict.fromkeys(("background_writes", "wandb_project"), f"{_SETTINGS}.Saving"),
}
"""Old parameter of `train` -> the class that has it now."""
_OF_THE_TASK = ("model", "loss", "train_input", "eval_input", "targets", "fusion")
"""Old parameters of `train` that the class of the task has now."""
_OF_TRAIN = {
    "length": f"{_SETTINGS}.RunLength",
    "compute": f"{_SETTINGS}.Compute",
    "saving": f"{_SETTINGS}.Saving",
}
"""New parameter of `train` -> the class that we build for it in an old configuration."""

SHORT_NAMES = {name.rpartition(".")[2]: name for name in (*_NEW_OWNERS.values(), _PANOPTIC_TASK)}
"""Short name -> complete name of each class that we add to old configurations."""

PARAMETERS = frozenset((_TRAIN, parameter) for parameter in (*_NEW_OWNERS, *_OF_THE_TASK))
"""Selector and parameter of each binding that `translate` moves."""


def find_rename(name: str) -> tuple[str, str] | None:
    """Finds the rename that applies to the complete `name`; returns (old, new), or None."""
    entries = MODULES | SELECTORS
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if (old := ".".join(parts[:end])) in entries:
            return old, entries[old]
    return None


def current_name(name: str) -> str:
    """Returns the current name for an old complete name. Returns other names unchanged."""
    if entry := find_rename(name):
        old, new = entry
        return new + name.removeprefix(old)
    return name


def old_names(name: str) -> Iterator[str]:
    """Yields all old complete names of the current `name`."""
    for old, new in (MODULES | SELECTORS).items():
        candidate = old + name.removeprefix(new)
        if f"{name}.".startswith(f"{new}.") and current_name(candidate) == name:
            yield candidate


def translate(
    bindings: dict[Key, Binding],
    find: Callable[[str], object],
    note: Callable[[str, str, str], None],
) -> dict[Key, Binding]:
    """Moves bindings of old parameters of `train` to the classes that have them now.

    Args:
      bindings: the bindings of all texts, the most recent last.
      find: registers the class of a complete name with Gin.
      note: called with the place, old name and new name of each binding that moves.

    Returns:
      The moved bindings, the most recent last. An old configuration also gets the bindings that it
      lacks, such as `train.length = @RunLength()`.
    """
    task = bindings.get(("", _TRAIN, "task"))
    is_old_task = task is not None and not task.value.evaluate
    moved_keys = [key for key in bindings if key[1:] in PARAMETERS]
    if not moved_keys and not is_old_task:
        return bindings
    task_class = task.value.configurable.selector if task else _PANOPTIC_TASK
    translated: dict[Key, Binding] = {}
    for key, binding in bindings.items():
        new_key = _moved(key, task_class)
        if new_key != key:
            find(new_key[1])
            if binding.gin_text.note_renamed:
                note(binding.place, key_text(key), key_text(new_key))
        translated.pop(new_key, None)  # The most recent one wins and comes last.
        translated[new_key] = binding
    first = bindings[moved_keys[0]] if moved_keys else task
    for parameter, owner in {"task": task_class, **_OF_TRAIN}.items():
        if (parameter == "task" and is_old_task) or ("", _TRAIN, parameter) not in translated:
            find(owner)
            reference = gin.config.ConfigurableReference(owner, True)
            translated["", _TRAIN, parameter] = dataclasses.replace(first, value=reference)
    return translated


def _moved(key: Key, task_class: str) -> Key:
    scope, selector, parameter = key
    if (selector, parameter) not in PARAMETERS:
        return key
    return scope, _NEW_OWNERS.get(parameter, task_class), parameter
