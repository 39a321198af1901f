"""The page of settings is up to date; terminal text is readable."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.config.settings.page import COMMAND, format_page, format_terminal
from maskconver_tf.config.settings.settings_list import Setting, all_settings

PAGE = Path(__file__).resolve().parents[4] / "docs" / "settings.md"

SETTINGS = [
    Setting("A.x", "One", "number or None", "pixels", "3", "an effect | of a kind.", "never"),
    Setting("A.y", "One", "text", "", None, "another.", "for each dataset"),
    Setting("B.z", "Two", "True or False", "", "False", "third.", "seldom"),
]


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == format_page(all_settings()), f"run `{COMMAND}`"


def test_each_group_is_one_table():
    page = format_page(SETTINGS)
    one = page[page.index("## One") : page.index("## Two")]
    assert one.splitlines()[4:] == [
        "| `A.x` | number or None, in pixels | `3` | an effect \\| of a kind. | never |",
        "| `A.y` | text | must be set | another. | for each dataset |",
        "",
    ]
    assert "| `B.z` | True or False | `False` | third. | seldom |" in page


def test_the_terminal_shows_group_value_effect_and_advice():
    assert format_terminal(SETTINGS[1:]).splitlines() == [
        "ONE",
        "",
        "  A.y",
        "      text; must be set",
        "      another.",
        "      Change it: for each dataset",
        "",
        "TWO",
        "",
        "  B.z",
        "      True or False; default False",
        "      third.",
        "      Change it: seldom",
    ]


def test_long_lines_are_wrapped_to_the_width():
    lines = format_terminal(all_settings(), width=60).splitlines()
    assert max(map(len, lines)) <= 60
