"""The repository keeps its own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint import gin_rules, link_rules, source_rules

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "rule",
    [
        source_rules.imports_point_one_way,
        source_rules.keras_is_tf_keras,
        source_rules.only_config_imports_gin,
        source_rules.nothing_skips_unknown_gin,
        source_rules.light_modules_need_no_tensorflow,
        source_rules.functions_are_short,
        source_rules.folders_are_packages,
        gin_rules.leaves_have_a_header,
        gin_rules.leaves_are_short,
        gin_rules.includes_come_first,
        gin_rules.includes_exist,
        gin_rules.imports_are_dynamic,
        gin_rules.imports_exist,
        gin_rules.nothing_skips_unknown,
        link_rules.relative_links_exist,
    ],
    ids=lambda rule: rule.__name__,
)
def test_rule(rule):
    offenders = rule(ROOT)
    assert not offenders, "\n".join(offenders)
