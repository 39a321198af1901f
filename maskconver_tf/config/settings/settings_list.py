"""The list of all settings, by purpose, and the search in it."""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Iterable, Sequence

from maskconver_tf.config.settings.advice import data, model, training, use
from maskconver_tf.config.settings.advice.group import Group
from maskconver_tf.config.settings.configurables import CONFIGURABLES
from maskconver_tf.config.settings.source_reading import Parameter, read_parameters
from maskconver_tf.config.settings.value_types import describe_type
from maskconver_tf.errors import UserError

GROUPS: tuple[Group, ...] = (
    data.DATA,
    data.SIZE,
    data.AUGMENTATION,
    data.MANY_THINGS,
    *training.GROUPS,
    *model.GROUPS,
    *use.GROUPS,
)

_NUM_NEAR = 4


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a user should know about one setting.

    Attributes:
      name: as after `--gin.`, such as "TrainingInput.batch_size".
      group: title of its group.
      type: its type in words.
      unit: empty if it has none.
      default: the default of the code as in Gin; None if it must be set.
      description: what it does.
      when: when to change it.
    """

    name: str
    group: str
    type: str
    unit: str
    default: str | None
    description: str
    when: str

    @property
    def kind(self) -> str:
        """Its type and unit, such as "whole number, in steps" or "two numbers, each a share"."""
        if not self.unit:
            return self.type
        if self.unit.endswith("s") and not self.unit.endswith("ss"):
            return f"{self.type}, in {self.unit}"
        article = "an" if self.unit[0] in "aeioAEIO" else "a"
        each = "each " if self.type.startswith(("two", "list")) else ""
        return f"{self.type}, {each}{article} {self.unit}"

    @property
    def value(self) -> str:
        """Its kind and default, such as "whole number, in steps; default 1000"."""
        default = "must be set" if self.default is None else f"default {self.default}"
        return f"{self.kind}; {default}"


@functools.cache
def all_parameters() -> dict[str, Parameter]:
    """Returns every setting that Gin can reach: its name -> the parameter, as the code has it."""
    return {
        f"{each.name}.{parameter.name}": parameter
        for each in CONFIGURABLES
        for parameter in read_parameters(f"maskconver_tf.{each.module}", each.name)
        if parameter.name not in each.supplied
    }


@functools.cache
def all_settings() -> tuple[Setting, ...]:
    """Returns all settings in the order of the groups."""
    parameters = all_parameters()
    return tuple(
        Setting(
            name,
            group.title,
            describe_type(parameters[name].annotation),
            unit,
            parameters[name].default,
            parameters[name].description,
            when,
        )
        for group in GROUPS
        for name, unit, when in group.entries()
        if name in parameters
    )


def find_settings(words: Iterable[str]) -> list[Setting]:
    """Returns the settings whose name or text has all of `words`; all for no words.

    Capitals, underscores and `--gin.` do not matter. If a name has all the words, only such
    settings are returned.

    Raises:
      UserError: no setting has them. The message lists near names.
    """
    typed = list(words)
    wanted = [_plain(word.removeprefix("--gin.").partition("=")[0]) for word in typed]
    if not (settings := _having(wanted, lambda setting: setting.name)):
        settings = _having(wanted, lambda s: f"{s.name} {s.group} {s.description} {s.when}")
    if not settings:
        raise UserError(
            f"settings {' '.join(typed)}: no setting has this in its name or text; "
            f"{_near_names(wanted)}`maskconver settings` lists all"
        )
    return settings


def _having(wanted: Sequence[str], text) -> list[Setting]:
    return [s for s in all_settings() if all(word in _plain(text(s)) for word in wanted)]


def _plain(text: str) -> str:
    return text.lower().replace("_", " ").replace("-", " ").strip()


def _near_names(wanted: Sequence[str]) -> str:
    """Returns "near names are A.x, B.y; ", or an empty text."""
    plain: dict[str, list[str]] = {}
    for setting in all_settings():
        for key in (setting.name, setting.name.partition(".")[2]):
            plain.setdefault(_plain(key), []).append(setting.name)
    near = difflib.get_close_matches(" ".join(wanted), plain, _NUM_NEAR, 0.6)
    near += [key for word in wanted for key in difflib.get_close_matches(word, plain, 2, 0.6)]
    names = list(dict.fromkeys(name for key in near for name in plain[key]))[:_NUM_NEAR]
    return f"near names are {', '.join(names)}; " if names else ""
