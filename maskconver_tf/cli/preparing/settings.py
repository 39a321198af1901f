"""The command `maskconver settings`."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from maskconver_tf.cli.arguments import add_command
from maskconver_tf.cli.preparing.page_file import write_page
from maskconver_tf.errors import UserError

_EPILOG = """\
Each setting has its type, unit and default, its effect, and when to change it. The defaults are
those of the code: an experiment may set others, and a run writes all values that it used into
operative_config.gin. Set a setting in your Gin file, or after --gin. of a command.
The list comes from the source files; TensorFlow is not loaded.
"""


def add_settings_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "settings",
        run_settings,
        "list or search all settings that Gin files and --gin. can change",
        "maskconver settings batch",
        _EPILOG,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="show only settings with these words in their name, else in their text "
        "(default: all settings)",
    )
    parser.add_argument("--markdown", metavar="FILE", help="write the page docs/settings.md")


def run_settings(args: argparse.Namespace) -> None:
    from maskconver_tf.config.settings.page import format_page, format_terminal
    from maskconver_tf.config.settings.settings_list import find_settings

    settings = find_settings(args.words)
    if not args.markdown:
        print(format_terminal(settings, min(shutil.get_terminal_size((100, 24)).columns, 100)))
        return
    if args.words:
        raise UserError("--markdown writes the page of all settings; leave out the words")
    write_page(args.markdown, format_page(settings))
    print(f"{args.markdown}: written, {len(settings)} settings")
