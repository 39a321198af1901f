"""Which pictures a user means with files, folders, patterns and lists."""

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.inference.many_files.picture_list import list_pictures


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Pictures a.jpg, sub/b.PNG and sub/deep/c.tif, and files that are no pictures."""
    for name in ("in/a.jpg", "in/sub/b.PNG", "in/sub/deep/c.tif", "in/notes.md", "in/._a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "in/.hidden").mkdir()
    (tmp_path / "in/.hidden/d.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stems(*inputs, out="out", results=()):
    return [picture.stem for picture in list_pictures(list(inputs), out, results)]


def test_a_folder_is_read_with_the_folders_below_it(tree):
    assert stems("in") == ["a", "sub/b", "sub/deep/c"]
    assert stems(str(tree / "in/sub")) == ["b", "deep/c"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.jpg", ["a"]),
        ("in/*", ["a"]),
        ("in/**/*", ["a", "sub/b", "sub/deep/c"]),
        ("in/*/*.PNG", ["sub/b"]),
        ("i?/a.*", ["in/a"]),
    ],
)
def test_a_pattern_keeps_the_folders_that_it_leaves_open(tree, pattern, expected):
    assert stems(pattern) == expected


def test_a_file_with_the_letters_of_a_pattern_is_a_file(tree):
    (tree / "in/[1].jpg").write_bytes(b"x")
    assert stems("in/[1].jpg") == ["[1]"]


def test_a_picture_counts_once(tree):
    assert stems("in/sub/b.PNG", "in", "./in/a.jpg") == ["b", "a", "sub/deep/c"]


def test_a_list_starts_at_its_own_folder_or_at_the_working_folder(tree):
    (tree / "in/list.txt").write_bytes(
        "\ufeff# two pictures\r\n\r\nsub/b.PNG\r\n  in/a.jpg \r\n".encode()
    )
    assert [p.path for p in list_pictures(["in/list.txt"], "out")] == ["in/sub/b.PNG", "in/a.jpg"]


def test_results_are_not_found_again(tree):
    (tree / "in/out").mkdir()
    (tree / "in/out/a.png").write_bytes(b"x")
    assert stems("in", out="in/out") == ["a", "sub/b", "sub/deep/c"]
    assert stems("in/**/*.png", "in/a.jpg", out="in/other") == ["out/a", "a"]
    assert stems("in", out="in", results={(tree / "in/out/a.png").resolve()})[1:] == [
        "sub/b",
        "sub/deep/c",
    ]


def test_results_above_the_pictures_hide_none(tree):
    assert stems("in/sub", out="in") == ["b", "deep/c"]


def test_all_mistakes_are_told_at_once(tree):
    (tree / "empty").mkdir()
    (tree / "none.txt").write_text("\n# nothing\n")
    (tree / "bad.txt").write_text("in/a.jpg\ngone.jpg\nlost.jpg\n")
    (tree / "latin.txt").write_bytes(b"stra\xdfe.jpg\n")
    (tree / "other").mkdir()
    (tree / "other/x.md").write_text("x")
    inputs = ["in/a.jpgg", "empty", "other", "in/*.bmp", "in/*.md"]
    inputs += ["none.txt", "bad.txt", "latin.txt"]
    with pytest.raises(UserError) as error:
        list_pictures(inputs, "out")
    lines = str(error.value).splitlines()
    assert len(lines) == len(inputs)
    for line, expected in zip(
        lines,
        [
            "in/a.jpgg: no such picture; check the path; did you mean 'a.jpg'",
            "empty: a folder without files; expected pictures",
            "other: a folder with 1 other file;",
            "in/*.bmp: found no file; expected",
            "in/*.md: found 1 files, none of them a picture",
            "none.txt: an empty list",
            "bad.txt, line 2: gone.jpg: no such picture (1 more are missing, too)",
            "latin.txt: not UTF-8 text",
        ],
        strict=True,
    ):
        assert line.startswith(expected), (line, expected)
