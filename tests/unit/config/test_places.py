"""A message about a setting begins with the file and line that set it."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError


def _message_about(setting: str, *bindings: str) -> str:
    """Loads base.gin and the bindings; returns the message when a call refuses the setting."""

    def refuse():
        raise UserError(f"{setting} = '5' (text): expected a whole number")

    configuration.load(["base.gin"], bindings)
    with pytest.raises(UserError) as caught:
        configuration.call(refuse)
    return str(caught.value)


def _line_of(start: str) -> int:
    lines = Path("base.gin").read_text().splitlines()
    return next(n for n, text in enumerate(lines, start=1) if text.startswith(start))


def test_the_file_and_line_of_the_macro_that_supplies_the_value_is_named(zoo, folder):
    place = f"base.gin:{_line_of('STEPS')}"
    expected = f"{place}: train.steps = '5' (text): expected a whole number"
    assert _message_about("train.steps") == expected


def test_the_file_and_line_of_a_binding_is_named(zoo, folder):
    Path("base.gin").write_text(Path("base.gin").read_text() + "\nNet.depth = '5'\n")
    assert _message_about("Net.depth").startswith(f"base.gin:{_line_of('Net.depth')}: Net.depth =")


def test_an_argument_that_sets_a_macro_is_named(zoo, folder):
    message = _message_about("train.steps", "STEPS='5'")
    assert message.startswith("--gin.STEPS='5': train.steps = '5'")


def test_an_argument_that_shows_the_setting_is_not_named_twice(zoo, folder):
    assert _message_about("train.steps", "train.steps='5'").startswith("train.steps = '5'")


def test_a_setting_that_nothing_binds_and_other_text_get_no_place(zoo, folder):
    assert _message_about("Net.other").startswith("Net.other = '5'")
    assert _message_about("street.jpg").startswith("street.jpg = '5'")
