"""Formats settings for the terminal, and as the page docs/settings.md."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from maskconver_tf.config.settings.settings_list import Setting

COMMAND = "maskconver settings --markdown docs/settings.md"

_HEAD = f"""\
# Settings

All settings that a Gin file, or `--gin.NAME=VALUE` after a command, can change, by what you want.
The defaults are those of the code; an experiment may set others. `maskconver settings WORD`
searches this list. A run writes the values that it used into `operative_config.gin`.

The command `{COMMAND}` writes this page from the code.
"""


def format_terminal(settings: Iterable[Setting], width: int = 100) -> str:
    """Returns the settings as text, each with three lines or more.

    Args:
      settings: in the order of their groups.
      width: columns of the terminal.
    """
    lines: list[str] = []
    for title, group in _by_group(settings):
        lines += [f"{title.upper()}", ""]
        for setting in group:
            lines += [f"  {setting.name}", *_wrapped(setting.value, width)]
            lines += [*_wrapped(setting.description, width)]
            lines += [*_wrapped(f"Change it: {setting.when}", width), ""]
    return "\n".join(lines).rstrip()


def format_page(settings: Iterable[Setting]) -> str:
    """Returns the page: one table for each group."""
    parts = [_HEAD]
    for title, group in _by_group(settings):
        rows = [
            f"| `{s.name}` | {_cell(s.kind)} | "
            f"{'must be set' if s.default is None else f'`{_cell(s.default)}`'} | "
            f"{_cell(s.description)} | {_cell(s.when)} |"
            for s in group
        ]
        head = "| setting | value | default | effect | when to change it |\n|---|---|---|---|---|\n"
        parts.append(f"## {title}\n\n{head}" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _by_group(settings: Iterable[Setting]) -> Iterator[tuple[str, Sequence[Setting]]]:
    for title, group in itertools.groupby(settings, key=lambda setting: setting.group):
        yield title, list(group)


def _wrapped(text: str, width: int) -> list[str]:
    indent = " " * 6
    lines = textwrap.wrap(text, max(width, 40) - len(indent), break_on_hyphens=False)
    return [indent + line for line in lines]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
