"""Each rule for messages names a planted offender by file and line, and lets good ones pass."""

from __future__ import annotations

import pytest

from tests.lint.messages import message_rules as rules
from tests.lint.planting import plant

GOOD = """
def f(path, found):
    raise UserError(f"{path}: found {found!r}; expected a number. Correct it there")
    raise UserError(_message(path))
    raise UserError(f"{path}: there is no such class{suggest_name(path, found)}")
    raise UserError("--workers 0: expected one or more processes; omit it for one " + found)
    raise UserError(f"Net.norm = {found!r}: expected 'layer' or 'batch', in quotes")
"""

ALL = (
    rules.messages_end_without_full_stop,
    rules.messages_name_a_file_or_setting,
    rules.messages_say_what_to_do,
    rules.messages_are_no_catchwords,
)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.__name__)
def test_good_messages_pass(tmp_path, rule):
    assert rule(plant(tmp_path, {"files/a.py": GOOD})) == []


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (rules.messages_end_without_full_stop, 'f"{path}: is no folder. Check the path."'),
        (rules.messages_end_without_full_stop, 'f"{path}: is no folder. " + "Check the path."'),
        (rules.messages_name_a_file_or_setting, '"the number is not a multiple of 32; give one"'),
        (rules.messages_say_what_to_do, 'f"{path}: found 3; expected a whole number above it"'),
        (rules.messages_say_what_to_do, 'f"{path}: the file with the builds is not given"'),
        (rules.messages_are_no_catchwords, 'f"{path}: {found}. Give it"'),
    ],
)
def test_an_offender_is_named(tmp_path, rule, message):
    source = f"\ndef f(path, found):\n    raise UserError({message})\n"
    (offender,) = rule(plant(tmp_path, {"files/a.py": source}))
    assert offender.startswith("maskconver_tf/files/a.py:3: ")


def test_an_error_that_a_function_returns_is_checked_too(tmp_path):
    source = 'def f(path):\n    return UserError(f"{path}: cannot be read. Copy it again.")\n'
    (offender,) = rules.messages_end_without_full_stop(plant(tmp_path, {"ops/a.py": source}))
    assert offender.startswith("maskconver_tf/ops/a.py:2: ends with a full stop")
