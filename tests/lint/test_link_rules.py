"""A broken link is named by file and line, and nothing else."""

from __future__ import annotations

from tests.lint import link_rules


def test_broken_links_are_named(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "there.md").write_text("[up](../README.md#part) [gone](../GONE.md)\n")
    (tmp_path / "README.md").write_text(
        "[a](docs/there.md) [b](https://example.org/x) [c](#part) ![d](docs/no.png)\n"
        '<img src="docs/none.png" width="3"> <a href="docs/there.md">\n'
        "```\n[not a link](nowhere)\n```\n"
        "`[nor this](nowhere)`\n"
    )
    assert link_rules.relative_links_exist(tmp_path) == [
        "README.md:1: no file docs/no.png",
        "README.md:2: no file docs/none.png",
        "docs/there.md:1: no file ../GONE.md",
    ]


def test_folders_of_runs_and_installs_are_not_read(tmp_path):
    for folder in (".venv/lib", "runs/demo", "build"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.md").write_text("[gone](gone.md)\n")
    assert link_rules.relative_links_exist(tmp_path) == []
