"""JSON files: what is wrong with one is named; what is written can be read back."""

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import read_json, utf8_safe, write_json


def test_content_comes_back(tmp_path):
    content = {"name": "été", "broken": "a\udce9", "numbers": [1, 2.5, None]}
    write_json(tmp_path / "file.json", content)
    assert read_json(tmp_path / "file.json", "the file") == content
    assert "été" in (tmp_path / "file.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "the file does not exist; check the path"),
        (b'{"a": ', r"the file is not valid JSON \(.*fetch or write the file again"),
        (b"\xff\xfe{", "the file is not valid JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, found):
    path = tmp_path / "file.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"file.json: {found}"):
        read_json(path, "the file")
    with pytest.raises(UserError, match="found a folder, expected the file"):
        read_json(tmp_path, "the file")


def test_any_file_name_can_be_written():
    assert utf8_safe("a\udce9") == "a\\udce9"


def test_a_number_of_too_many_digits_is_one_message(tmp_path):
    (tmp_path / "a.json").write_text("1" * 5000)
    with pytest.raises(UserError, match="a.json: a list is not valid JSON"):
        read_json(tmp_path / "a.json", "a list")
