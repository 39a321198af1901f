"""The options of all commands that make predictions: which segments count."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from maskconver_tf.cli.arguments import CommandParser, number_in
from maskconver_tf.errors import UserError
from maskconver_tf.setting_checks import LARGEST_WHOLE_NUMBER

THRESHOLD_OPTIONS = ("score_threshold", "overlap_threshold", "min_area")

_DEFAULT = "(default: what `tune` or `evaluate --keep` wrote into the run, else the run's own)"


def add_threshold_options(parser: CommandParser) -> None:
    """Adds `--score_threshold`, `--overlap_threshold` and `--min_area`."""
    group = parser.add_argument_group(f"which segments count {_DEFAULT}")
    for name, metavar, parse, what in (
        ("score_threshold", "X", number_in("--score_threshold", 0, 1), "least score of a segment"),
        (
            "overlap_threshold",
            "X",
            number_in("--overlap_threshold", 0, 1),
            "least share of its mask that a segment must win",
        ),
        ("min_area", "N", _pixels("--min_area"), "least area of a segment in pixels"),
    ):
        shares = ", 0..1" if metavar == "X" else ""
        group.add_argument(f"--{name}", type=parse, metavar=metavar, help=f"{what}{shares}")


def thresholds_of(args: argparse.Namespace) -> dict[str, Any]:
    """Returns the thresholds that were given, by name."""
    given = {name: getattr(args, name) for name in THRESHOLD_OPTIONS}
    return {name: value for name, value in given.items() if value is not None}


def _pixels(option: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"\s*\d{1,18}\s*", text) else -1
        if not 0 <= number <= LARGEST_WHOLE_NUMBER:
            raise UserError(
                f"{option} {text}: expected a whole number from 0 to {LARGEST_WHOLE_NUMBER}, such "
                f"as {option} 16"
            )
        return number

    return parse
