"""Each rule names a planted offender by file and line, and nothing else."""

from __future__ import annotations

import pytest

from tests.lint import gin_rules as rules

HEADER = """# A leaf that keeps every rule.
#
# Command: maskconver train --gin_file experiments/leaf.gin --model_dir runs/leaf
# Hardware: two cores
# Expected: not measured
"""


@pytest.fixture
def plant(tmp_path):
    """`plant(text)`: the root of a repository with `text` below the header of its one leaf."""

    def write(text: str, header: str = HEADER):
        (tmp_path / "maskconver_tf" / "training").mkdir(parents=True)
        (tmp_path / "maskconver_tf" / "training" / "train.py").write_text("")
        (tmp_path / "experiments" / "model").mkdir(parents=True)
        (tmp_path / "experiments" / "model" / "net.gin").write_text("WIDTH = 1\n")
        (tmp_path / "experiments" / "leaf.gin").write_text(header + text)
        return tmp_path

    return write


ALL_RULES = [
    rules.leaves_have_a_header,
    rules.leaves_are_short,
    rules.includes_come_first,
    rules.includes_exist,
    rules.imports_are_dynamic,
    rules.imports_exist,
    rules.nothing_skips_unknown,
]


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.__name__)
def test_a_correct_leaf_offends_no_rule(plant, rule):
    root = plant(
        "from __gin__ import dynamic_registration\n"
        "from maskconver_tf.training import train\n"
        "import tf_keras\n\n"
        "include 'model/net.gin'\ninclude 'experiments/model/net.gin'\n\n# Twelve lines at most:\n"
        + "train.train.steps = 1\n"
        * 12
    )
    assert rule(root) == []


def test_experiments_in_folders_are_leaves_and_included_files_are_not(plant):
    root = plant("")
    (root / "experiments" / "street").mkdir()
    (root / "experiments" / "street" / "town.gin").write_text("WIDTH = 2\n")
    names = [path.name for path in rules.leaves(root)]
    assert names == ["leaf.gin", "town.gin"]
    [offender] = rules.leaves_have_a_header(root)
    assert offender.startswith("experiments/street/town.gin:1: header lacks Command:")


@pytest.mark.parametrize("label", [*rules.HEADER, "leaf.gin"])
def test_a_header_without_a_part_is_named(plant, label):
    (offender,) = rules.leaves_have_a_header(plant("", HEADER.replace(label, "")))
    assert offender.startswith("experiments/leaf.gin:1: header lacks")
    assert label in offender


def test_a_header_below_a_setting_does_not_count(plant):
    assert len(rules.leaves_have_a_header(plant("", "A = 1\n" + HEADER))) == 1


def test_a_long_leaf_is_named_at_its_first_line_too_many(plant):
    (offender,) = rules.leaves_are_short(plant("include 'model/net.gin'\n\n" + "A = 1\n" * 16))
    assert offender == "experiments/leaf.gin:23: 16 lines of its own, 15 at most"


@pytest.mark.parametrize(
    "rule, text, line",
    [
        (rules.includes_come_first, "A = 1\ninclude 'model/net.gin'\n", 7),
        (rules.includes_come_first, "train:\n  a = 1\n\ninclude 'model/net.gin'\n", 9),
        (rules.includes_exist, "include 'model/nte.gin'\n", 6),
        (rules.imports_are_dynamic, "from maskconver_tf.training import train\n", 6),
        (rules.imports_exist, "from maskconver_tf.training import trian\n", 6),
        (rules.imports_exist, "import maskconver_tf.trainign.train\n", 6),
        (rules.imports_exist, "from maskconver_tf.training import trian as train\n", 6),
        (rules.nothing_skips_unknown, "A = 1\ntrain.skip_unknown = True\n", 7),
    ],
)
def test_an_offender_is_named(plant, rule, text, line):
    (offender,) = rule(plant(text))
    assert offender.startswith(f"experiments/leaf.gin:{line}: ")
