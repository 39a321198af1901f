"""The page is one file that loads nothing from the network."""

from __future__ import annotations

import importlib.resources
import json
import re

import pytest

from maskconver_tf.evaluation.report.page_files import (
    SCRIPTS,
    STYLES,
    is_report,
    write_data,
    write_page,
)


@pytest.fixture
def parts() -> dict[str, str]:
    folder = importlib.resources.files("maskconver_tf.evaluation.report") / "page"
    return {part.name: part.read_text(encoding="utf-8") for part in folder.iterdir()}


def test_every_part_is_used(parts):
    assert sorted(parts) == sorted([*STYLES, *SCRIPTS, "page.html"])


def test_nothing_is_remote(parts):
    addresses = {a for text in parts.values() for a in re.findall(r"https?://[^\s\"')]+", text)}
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not any(re.search(r"@import|url\(|import\(|fetch\(", text) for text in parts.values())


def test_no_name_can_become_markup(parts):
    assert not any(re.search(r"innerHTML|outerHTML|insertAdjacentHTML", t) for t in parts.values())


def test_the_parts_are_short(parts):
    assert max(len(text.splitlines()) for text in parts.values()) <= 300
    assert max(len(line) for text in parts.values() for line in text.splitlines()) <= 100


def test_the_page_holds_title_style_and_scripts(tmp_path, parts):
    path = write_page(tmp_path, 'A <b> & "C"')
    text = path.read_text(encoding="utf-8")
    assert text.count("A &lt;b&gt; &amp; &quot;C&quot;") == 2
    assert all(parts[name] in text for name in (*STYLES, *SCRIPTS))
    assert "/*STYLE*/" not in text and "/*SCRIPT*/" not in text


def test_data_keep_all_digits_and_any_name(tmp_path):
    value = {"pq": 0.1 + 0.2, "name": "</script>\u2028é", "none": None}
    write_data(tmp_path, "report", value)
    text = (tmp_path / "data" / "report.js").read_text(encoding="ascii")
    assert text.endswith(";\n")
    assert json.loads(text[text.index("REPORT.report=") + 14 : -2]) == value


def test_numbers_that_json_lacks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_data(tmp_path, "report", float("nan"))


def test_only_a_report_is_one(tmp_path):
    write_page(tmp_path, "x")
    assert not is_report(tmp_path)
    write_data(tmp_path, "report", {})
    assert is_report(tmp_path)
