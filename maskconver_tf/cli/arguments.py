"""What several commands share: the parser, the frame of a command, and common options."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from maskconver_tf.datasets.sources.options import DEFAULT_SOURCE, OPTIONS
from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.setting_checks import LARGEST_WHOLE_NUMBER

SIDE_MULTIPLE = 32
"""Both sides of an input are multiples of this."""
LONGEST_SIDE = 2**14
"""Of an input, as in `maskconver_tf.input.pipeline`, which loads TensorFlow."""


class CommandParser(argparse.ArgumentParser):
    """Raises a `UserError` where argparse would exit, and suggests names for misspelt options."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    @property
    def options(self) -> list[str]:
        """The names of all options, such as "--out", also of those in groups."""
        # argparse has no public list of them.
        return [name for name in self._option_string_actions if name.startswith("--")]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # Look for misspelt options first: argparse would only report the option that they replace
        # as missing.
        if self.get_default("handler"):
            for argument in args:
                name = argument.partition("=")[0]
                if name.startswith("--") and name not in ["--", *self.options]:
                    self.refuse(name)
        return super().parse_known_args(args, namespace)

    def refuse(self, argument: str) -> NoReturn:
        """Raises the error for an argument that the command does not know."""
        advice = suggest_name(argument, self.options) or f"; see {self.prog} --help"
        raise UserError(f"unknown argument {argument}{advice}")

    def error(self, message: str) -> NoReturn:
        if match := re.fullmatch(r"argument (--\S+): invalid int value: '(.*)'", message):
            message = f"{match[1]} {match[2]}: expected a whole number in digits, such as 8"
        match = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message)
        names = [name.strip("'") for name in match[2].split(", ")] if match else []
        advice = suggest_name(match[1], names) if match else ""
        raise UserError(f"{message}{advice or ';'} see {self.prog} --help")


def add_command(
    commands: Any,
    name: str,
    handler: Callable[[argparse.Namespace], int | None],
    summary: str,
    example: str,
    epilog: str = "",
) -> CommandParser:
    """Adds a command to the list `commands` and returns its parser.

    Args:
      commands: what `add_subparsers` returned.
      name: the word that the user types.
      handler: runs the command. It returns the exit status; None means 0.
      summary: one line for the list of commands and the command's own help.
      example: a command line that `--help` shows last.
      epilog: text between the options and the example.
    """
    epilog = f"{epilog}\n\nexample:\n  {example}".lstrip()
    parser = commands.add_parser(name, help=summary, description=summary, epilog=epilog)
    parser.set_defaults(parser=parser, handler=handler)
    # SUPPRESS keeps the value of a --debug that stands before the command.
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show where an error arose"
    )
    return parser


# ---- Options of several commands -----------------------------------------------------------------
def add_model_option(
    parser: CommandParser, what: str = "the run's folder, --model_dir of the training"
) -> None:
    parser.add_argument(
        "--model", required=True, type=folder_name("--model", "runs/demo"), metavar="DIR", help=what
    )


def add_gin_file_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--gin_file",
        action="append",
        required=True,
        metavar="FILE",
        help="experiment; may be repeated, and later files override earlier ones",
    )


def add_gin_option(parser: CommandParser, example: str = "TrainingInput.batch_size=8") -> None:
    """Shows `--gin.NAME=VALUE` in the help; `main` itself reads these arguments."""
    parser.set_defaults(takes_gin=True)
    parser.add_argument(
        "--gin.NAME=VALUE",
        dest="gin",
        action="append",
        default=[],
        metavar="",
        help=f"override any setting, such as --gin.{example}",
    )


def add_source_options(parser: CommandParser, with_val: bool = False) -> None:
    """Adds `--source` and the options of all sources; `with_val`: also `--val_` and each option."""
    parser.add_argument(
        "--source",
        metavar="NAME",
        default=None if with_val else DEFAULT_SOURCE,
        help=f"layout of the dataset, one of the sources below (default: {DEFAULT_SOURCE})",
    )
    group = parser.add_argument_group("where the dataset is (each source below lists its options)")
    for name, (metavar, what) in OPTIONS.items():
        group.add_argument(f"--{name}", metavar=metavar, help=what)
        if with_val:
            group.add_argument(f"--val_{name}", help=argparse.SUPPRESS)


def add_workers_option(parser: CommandParser) -> None:
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one per CPU)")


# ---- Values --------------------------------------------------------------------------------------
def positive_count(option: str) -> Callable[[str], int]:
    """Parses an option that takes a whole number from 1."""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text) else 0
        if not 1 <= number <= LARGEST_WHOLE_NUMBER:
            raise UserError(
                f"{option} {text}: expected a whole number from 1 to {LARGEST_WHOLE_NUMBER}, such "
                f"as {option} 8"
            )
        return number

    return parse


def number_in(
    option: str, least: float, most: float, such_as: float | None = None
) -> Callable[[str], float]:
    """Parses an option that takes a number from `least` to `most`.

    `such_as` is an example for the message; by default the number in the middle.
    """
    example = (least + most) / 2 if such_as is None else such_as

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise UserError(
                f"{option} {text}: expected a number from {least:g} to {most:g}, such as {option} "
                f"{example:g}"
            )
        return number

    return parse


def whole_number_in(option: str, least: int, most: int) -> Callable[[str], int]:
    """Parses an option that takes a whole number from `least` to `most`."""

    def whole_number(text: str) -> int:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not (least <= number <= most and number.is_integer()):
            raise UserError(
                f"{option} {text}: expected a whole number from {least} to {most}, such as "
                f"{option} {math.isqrt(least * most)}"
            )
        return int(number)

    return whole_number


def folder_name(option: str, such_as: str = "data/train") -> Callable[[str], str]:
    """Parses an option that takes a folder, and refuses an empty name."""

    def parse(text: str) -> str:
        if not text.strip():
            raise UserError(f"{option} is empty; expected a folder, such as {such_as}")
        return text

    return parse


def input_size(text: str) -> tuple[int, int]:
    """Parses `--input_size`: height and width, positive multiples of `SIDE_MULTIPLE`.

    Raises:
      UserError: for anything else; the message shows the nearest legal value.
    """
    if not (match := re.fullmatch(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*", text)):
        raise UserError(f"--input_size {text}: expected height and width, {_as_size(text)}")
    sides = int(match[1]), int(match[2])
    if not all(sides):
        raise UserError(
            f"--input_size {text}: expected height and width, two positive multiples of "
            f"{SIDE_MULTIPLE}, such as 640,640"
        )
    if max(sides) > LONGEST_SIDE:
        raise UserError(
            f"--input_size {text}: expected height and width of at most {LONGEST_SIDE}, such as "
            "640,640"
        )
    if (nearest := (_nearest_side(sides[0]), _nearest_side(sides[1]))) != sides:
        raise UserError(
            f"--input_size {text}: expected height and width in multiples of {SIDE_MULTIPLE}; "
            f"the nearest size is {nearest[0]},{nearest[1]}"
        )
    return sides


def _as_size(text: str) -> str:
    """Returns the end of the message for a text that is not H,W: the H,W that it may mean."""
    match = re.fullmatch(r"[^\d.-]*(\d{1,6})(?:[^\d.-]+(\d{1,6}))?[^\d.-]*", text)
    if not match:
        return "such as 640,640"
    height, width = _nearest_side(int(match[1])), _nearest_side(int(match[2] or match[1]))
    return f"as H,W; write --input_size {height},{width} for height {height} and width {width}"


def _nearest_side(side: int) -> int:
    return max(1, round(side / SIDE_MULTIPLE)) * SIDE_MULTIPLE
