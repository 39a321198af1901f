"""Parts of messages: a value with its type, and names that look alike with their difference."""

import pytest

from maskconver_tf.errors import difference, short_repr, suggest_name, typed_repr


def test_a_long_value_is_cut():
    assert short_repr([1]) == "[1]"
    assert short_repr("x" * 90) == "'" + "x" * 76 + "..."


def test_a_value_is_shown_with_its_type():
    values = [1, 1.0, "1", True, [1], (1,), {"a": 1}, None, {1}]
    assert [typed_repr(value) for value in values] == [
        "1 (a whole number)",
        "1.0 (a number with a decimal point)",
        "'1' (text)",
        "True (true or false)",
        "[1] (a list)",
        "(1,) (a tuple)",
        "{'a': 1} (an object)",
        "null",
        "{1} (set)",
    ]


@pytest.mark.parametrize(
    ("given", "meant", "differs"),
    [
        ("cat ", "cat", "character 4 is U+0020 (space) here, but 'cat' ends there"),
        ("cat", "cat ", "the given name ends before character 4, U+0020 (space)"),
        (" cat", "cat", "character 1 is U+0020 (space) here, not 'c'"),
        ("Cat", "cat", "character 1 is 'C' here, not 'c'"),
        ("z00", "zoo", "character 2 is '0' here, not 'o'"),
        ("O1", "01", "character 1 is 'O' here, not '0'"),
        ("wa1l", "wall", "character 3 is '1' here, not 'l'"),
        ("c\u0430t", "cat", "character 2 is U+0430 (cyrillic small letter a) here, not 'a'"),
        ("hot\u00a0dog", "hot dog", "is U+00A0 (no-break space) here, not U+0020 (space)"),
        ("wall\u2010wood", "wall-wood", "is U+2010 (hyphen) here, not '-'"),
        ("cafe\u0301", "caf\u00e9", "is 'e' with U+0301 (combining acute accent) here, not U+00E9"),
        (
            "caf\u00e9",
            "cafe\u0301",
            "is U+00E9 (latin small letter e with acute) here, not",
        ),
        ("c\u200bat", "cat", "character 2 is U+200B (zero width space) here, not 'a'"),
        ("dining_table", "dining table", "character 7 is '_' here, not U+0020 (space)"),
        ("\ufb01re", "fire", "character 1 is U+FB01 (latin small ligature fi) here, not 'f'"),
    ],
)
def test_names_that_look_alike_are_shown_with_their_difference(given, meant, differs):
    assert differs in difference(given, meant)
    suggestion = suggest_name(given, ["dog", meant, given + "xyz"])
    assert suggestion.startswith(f"; did you mean '{meant}' (") and differs in suggestion


def test_names_that_look_different_need_no_explanation():
    assert difference("cat", "cat") == difference("cat", "cart") == ""
    assert suggest_name("trian", ["val", "train"]) == "; did you mean 'train'?"
    assert suggest_name("zebra", ["val", "train"]) == suggest_name("a", []) == ""
