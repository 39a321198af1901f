"""The repository keeps its own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint import gin_rules, link_rules, room_rules, source_rules
from tests.lint.messages import message_rules
from tests.lint.sources import PACKAGE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "rule",
    [
        source_rules.imports_point_one_way,
        source_rules.no_files_import_in_circles,
        source_rules.light_modules_need_no_tensorflow,
        source_rules.only_config_imports_gin,
        source_rules.keras_is_tf_keras,
        source_rules.nothing_skips_unknown_gin,
        room_rules.rooms_hold_few_files,
        room_rules.files_are_short,
        room_rules.functions_are_short,
        room_rules.folders_are_packages,
        room_rules.no_room_is_empty,
        room_rules.no_file_only_reexports,
        gin_rules.leaves_have_a_header,
        gin_rules.leaves_are_short,
        gin_rules.includes_come_first,
        gin_rules.includes_exist,
        gin_rules.imports_are_dynamic,
        gin_rules.imports_exist,
        gin_rules.nothing_skips_unknown,
        link_rules.relative_links_exist,
        link_rules.links_lead_to_headings,
        link_rules.documents_are_listed,
        link_rules.rooms_are_in_the_tree,
        link_rules.python_examples_import_what_exists,
        message_rules.messages_end_without_full_stop,
        message_rules.messages_name_a_file_or_setting,
        message_rules.messages_say_what_to_do,
        message_rules.messages_are_no_catchwords,
    ],
    ids=lambda rule: rule.__name__,
)
def test_rule(rule):
    offenders = rule(ROOT)
    assert not offenders, "\n".join(offenders)


def test_the_lists_of_the_rules_name_files_that_exist():
    """A light module that moved away would no longer be checked."""
    package = ROOT / PACKAGE
    assert [glob for glob in source_rules.TENSORFLOW_FREE if not any(package.glob(glob))] == []
    rooms = [room for room in source_rules.MAY_IMPORT if not any(package.glob(f"{room}*"))]
    assert rooms == []
