"""A file keeps its old content until the new content is complete."""

import os

import pytest

from maskconver_tf.files.json_file import write_json
from maskconver_tf.files.whole_file import write_text_whole


def test_text_is_utf_8_and_replaces_what_was_there(tmp_path):
    for text in ("été\n", "ночь\n"):
        write_text_whole(tmp_path / "file.txt", text)
        assert (tmp_path / "file.txt").read_bytes() == text.encode()
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    with pytest.raises(UnicodeEncodeError):
        write_text_whole(path, "half of it \udce9")
    assert path.read_text() == '{\n "a": 1\n}\n'
    assert os.listdir(tmp_path) == ["file.json"]
