"""The parts of a configuration: texts in Gin's language, keys, and the value bound to each key."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, TypeAlias

import gin

MACRO = "gin.macro"
"""Selector of every macro. Gin stores the macro's name as the scope."""
REQUIRED = "gin.REQUIRED"
"""The macro for a value that the user must set."""

Key: TypeAlias = tuple[str, str, str]
"""The target of a binding: scope, complete selector, parameter.

For a macro: its name, `MACRO`, "value".

The complete selector names the module and the class: `maskconver_tf.input.pipeline.TrainingInput`.
"""


@dataclasses.dataclass(frozen=True)
class OptionSetting:
    """A binding that an option of a command makes, such as `--train_data DIR`.

    Attributes:
      text: `NAME=VALUE`, as after `--gin.`.
      option: the option as the user gave it; error messages name it instead of `text`.
      advice: the error message for a configuration that does not use the binding.
    """

    text: str
    option: str
    advice: str


@dataclasses.dataclass(frozen=True)
class GinText:
    """A text in Gin's language: a .gin file, or an argument of the command line.

    Attributes:
      text: one or more statements.
      path: the file; None for an argument of the command line, and for a text that Gin wrote.
      setting: the option of the command line that made the text; None if no option made it.
      note_renamed: whether to tell the user about old names in the text.
    """

    text: str
    path: Path | None = None
    setting: OptionSetting | None = None
    note_renamed: bool = True

    def place(self, line: int | None) -> str:
        """Returns the place of `line` for an error message."""
        if self.setting:
            return self.setting.option
        return f"{self.path}:{line}" if self.path else f"--gin.{self.text}"


@dataclasses.dataclass(frozen=True)
class Binding:
    """A value that a Gin text binds to a key.

    Attributes:
      value: a literal, or a container of literals and of Gin's references.
      place: file and line, or the argument of the command line.
      gin_text: the text with the statement.
    """

    value: Any
    place: str
    gin_text: GinText


def macro_key(name: str) -> Key:
    """Returns the key that sets the macro `name`."""
    return name, MACRO, "value"


def key_text(key: Key) -> str:
    """Returns the key as a user may write it, with the short name of the class."""
    scope, selector, parameter = key
    if selector == MACRO:
        return scope
    return f"{scope}/" * bool(scope) + f"{selector.rpartition('.')[2]}.{parameter}"


def macros_in(value: Any) -> set[str]:
    """Returns the names of the macros that `value` reads."""
    references = map(repr, gin.config.iterate_references(value))
    return {reference[1:] for reference in references if reference.startswith("%")}
