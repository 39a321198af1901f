"""The lists of a JSON file read in pieces equal those of the whole file."""

import json

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.files import json_lists
from maskconver_tf.files.json_lists import ElementOffsets, scan_json_lists

CONTENT = {
    "info": {"images": ["not this one"], "text": 'a "]" and a \\'},
    "images": [{"id": 1, "name": "ночь"}, {"id": 2, "name": "été \U0001f431"}, []],
    "empty": [],
    "number": 12345,
    "annotations": [123456, -1.5e3, "]", None, {"a": [1, [2]]}, "日本"],
}


def _scan(path, keys=("images", "annotations")):
    return list(scan_json_lists(path, "the file", keys, "a COCO file"))


@pytest.mark.parametrize("chunk", [1, 2, 7, 2**20])
@pytest.mark.parametrize("options", [{}, {"indent": 1}, {"ensure_ascii": False}])
def test_elements_and_offsets_match_the_whole_file(tmp_path, monkeypatch, chunk, options):
    monkeypatch.setattr(json_lists, "_CHUNK", chunk)
    path = tmp_path / "file.json"
    path.write_text(json.dumps(CONTENT, **options), encoding="utf-8")
    elements = _scan(path)
    expected = [(key, value) for key in ("images", "annotations") for value in CONTENT[key]]
    assert [(element.key, element.value) for element in elements] == expected
    offsets = ElementOffsets(path)
    numbers = [offsets.add(element) for element in elements]
    assert [offsets.read(number) for number in numbers] == [value for _, value in expected]


def test_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"images": ["\xc3\xa9"], "annotations": []}')
    [element] = _scan(path)
    offsets = ElementOffsets(path)
    assert offsets.read(offsets.add(element)) == element.value == "é"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [1, 2', "not valid JSON"),
        ('{"images": [1 2], "annotations": []}', "not valid JSON"),
        ('{"images": [], "annotations": []} x', "not valid JSON"),
        ('{"images": []}', "found images; annotations missing; expected a COCO file"),
        (
            '{"images": {}, "annotations": []}',
            r"images is {} .an object. and must be a list; expected",
        ),
        (
            '{"images": [], "Annotation": []}',
            "annotations missing; found 'Annotation' instead; expected a COCO file",
        ),
        ("{}", "found no key; images and annotations missing; expected"),
        ("[1]", r"found \[1\] .a list.; expected"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, message):
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(UserError, match=f"file.json: .*{message}"):
        _scan(path)


def test_another_encoding_is_named(tmp_path):
    path = tmp_path / "file.json"
    path.write_text('{"images": [], "annotations": []}', encoding="utf-16")
    with pytest.raises(UserError, match="found another encoding than UTF-8"):
        _scan(path)
