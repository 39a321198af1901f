"""What a configuration consists of: sources, keys, and the value bound to each key."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, TypeAlias

import gin

MACRO = "gin.macro"
"""Selector of every macro; Gin keeps the macro's name as the scope."""
REQUIRED = "gin.REQUIRED"
"""The macro that stands for a value which the user must set."""

Key: TypeAlias = tuple[str, str, str]
"""The target of a binding: scope, complete selector, parameter. For a macro: name, `MACRO`, value.

The complete selector names module and class: `maskconver_tf.input.pipeline.TrainingInput`.
"""


@dataclasses.dataclass(frozen=True)
class OptionSetting:
    """A binding that an option of a command makes, such as `--train_data DIR`.

    Attributes:
      text: `NAME=VALUE`, as after `--gin.`.
      option: the option as the user gave it; error messages name it instead of `text`.
      advice: what an error message says if the configuration does not use the binding.
    """

    text: str
    option: str
    advice: str


@dataclasses.dataclass(frozen=True)
class GinText:
    """A text in Gin's language.

    Attributes:
      text: one or more statements.
      path: the file; None for an argument of the command line, or for a text that Gin wrote.
      setting: the option of the command line that makes the binding; None for any other source.
      note_renamed: whether the user should hear of the old names in the text.
    """

    text: str
    path: Path | None = None
    setting: OptionSetting | None = None
    note_renamed: bool = True

    def place(self, line: int | None) -> str:
        """Where an error message says that `line` is."""
        if self.setting:
            return self.setting.option
        return f"{self.path}:{line}" if self.path else f"--gin.{self.text}"


@dataclasses.dataclass(frozen=True)
class Binding:
    """A value that a source binds to a key.

    Attributes:
      value: a literal, or a container of literals and of Gin's references.
      place: file and line, or the argument of the command line.
      source: the text with the statement.
    """

    value: Any
    place: str
    source: GinText


def macro_key(name: str) -> Key:
    """The key that sets the macro `name`."""
    return name, MACRO, "value"


def key_text(key: Key) -> str:
    """The key as a user may write it, with the short name of the class."""
    scope, selector, parameter = key
    if selector == MACRO:
        return scope
    return f"{scope}/" * bool(scope) + f"{selector.rpartition('.')[2]}.{parameter}"


def macros_in(value: Any) -> set[str]:
    """Names of the macros that `value` reads."""
    references = map(repr, gin.config.iterate_references(value))
    return {reference[1:] for reference in references if reference.startswith("%")}
