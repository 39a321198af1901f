"""Broken links and documents that nobody can find are named by file and line, and nothing else."""

from __future__ import annotations

import pytest

from tests.lint import link_rules
from tests.lint.planting import plant, plant_at


def test_broken_links_are_named(tmp_path):
    plant_at(
        tmp_path,
        {
            "docs/there.md": "[up](../README.md#part) [gone](../GONE.md)\n",
            "README.md": "[a](docs/there.md) [b](https://example.org/x) ![d](docs/no.png)\n"
            '<img src="docs/none.png" width="3"> <a href="docs/there.md">\n'
            "```\n[not a link](nowhere)\n```\n"
            "`[nor this](nowhere)` [c](#part)\n",
        },
    )
    assert link_rules.relative_links_exist(tmp_path) == [
        "README.md:1: no file docs/no.png",
        "README.md:2: no file docs/none.png",
        "docs/there.md:1: no file ../GONE.md",
    ]


def test_folders_of_runs_and_installs_are_not_read(tmp_path):
    for folder in (".venv/lib", "runs/demo", "build"):
        plant_at(tmp_path, {f"{folder}/a.md": "[gone](gone.md)\n"})
    assert link_rules.relative_links_exist(tmp_path) == []


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## Two words", "two-words"),
        ("# 6. Choose the thresholds, on `val`", "6-choose-the-thresholds-on-val"),
        ("### What it *is* (`--help`)", "what-it-is---help"),
        ("## [A link](x.md) in it", "a-link-in-it"),
        ("## Twice\n\n## Twice", "twice-1"),
    ],
)
def test_a_link_to_a_heading_must_name_it_as_github_does(tmp_path, heading, anchor):
    plant_at(tmp_path, {"x.md": "", "b.md": f"{heading}\n```\n# no heading\n```\n"})
    plant_at(tmp_path, {"a.md": f"[right](b.md#{anchor})\n[wrong](b.md#{anchor}s)\n"})
    assert link_rules.links_lead_to_headings(tmp_path) == [f"a.md:2: no heading for b.md#{anchor}s"]


def test_a_link_to_a_heading_of_its_own_page_is_checked(tmp_path):
    plant_at(tmp_path, {"a.md": "# Here\n[a](#here) [b](#there)\n```\n# There\n```\n"})
    assert link_rules.links_lead_to_headings(tmp_path) == ["a.md:2: no heading for #there"]


def test_a_page_that_no_list_of_documents_names_is_named(tmp_path):
    pages = ["docs/listed.md", "docs/decisions/a.md", "docs/lost.md", "docs/decisions/b.md"]
    plant_at(tmp_path, dict.fromkeys(pages, ""))
    plant_at(
        tmp_path,
        {
            "docs/README.md": "[a](listed.md#part) [b](decisions/README.md) `lost.md`\n",
            "docs/decisions/README.md": "[c](a.md)\n",
        },
    )
    found = [offender.split(":")[0] for offender in link_rules.documents_are_listed(tmp_path)]
    assert found == ["docs/decisions/b.md", "docs/lost.md"]


def test_the_tree_has_a_row_for_each_room(tmp_path):
    tree = """\
        maskconver_tf/
          types.py       names
          ops/           functions
          models/        models
            backbones/   one file each
          gone/          a room that was deleted
        experiments/     no room
        """
    lines = ["# Tree", "```", *(line[8:] for line in tree.splitlines()), "```", "```", "x/", "```"]
    plant_at(tmp_path, {"docs/architecture.md": "\n".join(lines), "experiments/a.gin": ""})
    rooms = ("ops", "losses", "models", "models/backbones", "models/x")
    plant(tmp_path, {f"{room}/a.py": "" for room in rooms})
    assert link_rules.rooms_are_in_the_tree(tmp_path) == [
        "maskconver_tf/losses:1: no row in the tree of docs/architecture.md",
        "maskconver_tf/models/x:1: no row in the tree of docs/architecture.md",
        "docs/architecture.md:8: no folder maskconver_tf/gone",
    ]


def test_a_python_example_must_import_what_exists(tmp_path):
    plant(tmp_path, {"__init__.py": "def load():\n    pass\n", "ops/peaks.py": "SIDE = 3\n"})
    right = "from maskconver_tf import load\nfrom maskconver_tf.ops.peaks import SIDE\nimport other"
    plant_at(
        tmp_path,
        {
            "a.md": f"```python\n{right}\n```\n```\nfrom maskconver_tf.ops import gone\n```\n",
            "b.md": "```python\nfrom maskconver_tf.ops.peaks import SIDES\n```\n",
            "c.md": "Text.\n\n```python\nprint(\n```\n",
        },
    )
    found = link_rules.python_examples_import_what_exists(tmp_path)
    assert found[0] == "b.md:1: nothing defines maskconver_tf.ops.peaks.SIDES"
    assert len(found) == 2 and found[1].startswith("c.md:3: no valid Python: ")
