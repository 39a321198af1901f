"""Old names of modules, functions and classes, so that old configurations still load.

A run keeps its configuration, and users keep theirs. Both name modules by the places they had when
the files were written. Whoever moves or renames something that Gin files name adds it here.
"""

from __future__ import annotations

from collections.abc import Iterator

from maskconver_tf.config.bindings import Binding, Key

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
"""Old complete name of a function or class -> its new one, unless only its module changed."""

PARAMETERS: frozenset[tuple[str, str]] = frozenset()
"""Selector and parameter of what a binding may still set, although `translate` must move it."""


def find_rename(name: str) -> tuple[str, str] | None:
    """The entry of the tables, old and new, by which the complete `name` is out of date."""
    entries = MODULES | SELECTORS
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if (old := ".".join(parts[:end])) in entries:
            return old, entries[old]
    return None


def current_name(name: str) -> str:
    """The complete `name` of today for an old one; any other name as it is."""
    if entry := find_rename(name):
        old, new = entry
        return new + name.removeprefix(old)
    return name


def old_names(name: str) -> Iterator[str]:
    """All complete names that `current_name` turns into `name`."""
    for old, new in (MODULES | SELECTORS).items():
        candidate = old + name.removeprefix(new)
        if f"{name}.".startswith(f"{new}.") and current_name(candidate) == name:
            yield candidate


def translate(bindings: dict[Key, Binding]) -> dict[Key, Binding]:
    """Moves bindings of parameters that now belong to another function or class.

    Args:
      bindings: those of all sources, the most recent last.
    """
    return bindings
