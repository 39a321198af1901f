"""The journal of finished pictures after crashes and by other versions."""

import json

from maskconver_tf.inference.many_files.finished_pictures import (
    JOURNAL,
    FinishedPictures,
    read_journal,
    written_files,
)
from maskconver_tf.inference.many_files.picture_list import ListedPicture
from maskconver_tf.inference.output_formats.named_formats import make_formats


def test_half_a_line_and_foreign_lines_do_not_count(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"1")
    formats = make_formats(["geojson"])
    (tmp_path / "a.geojson").write_text("x")
    listed = ListedPicture(str(picture), "a")
    FinishedPictures(tmp_path, {}).add(listed, formats, {"geojson": {"é": 1}})
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('{"stem": 3}\n[1]\n{"stem": "b", "pict')
    again = FinishedPictures(tmp_path, {})
    assert again.kept_of(listed, formats) == {"geojson": {"é": 1}}
    again.add(ListedPicture(str(picture), "c"), formats, {"geojson": None})
    lines = (tmp_path / JOURNAL).read_text().splitlines()
    assert [json.loads(line)["stem"] for line in lines] == ["a", "c"]
    assert list(read_journal(tmp_path)) == ["a", "c"]
    assert written_files(tmp_path) == {
        (tmp_path / name).resolve() for name in ("a.geojson", "c.geojson")
    }


def test_a_name_with_any_bytes_is_done_once(tmp_path):
    listed = ListedPicture("caf\udce9\u2028.png", "caf\udce9\u2028")
    formats = make_formats(["csv"])
    FinishedPictures(tmp_path, {}).add(listed, formats, {"csv": {}})
    assert FinishedPictures(tmp_path, {}).kept_of(listed, formats) == {"csv": {}}


def test_a_folder_without_journal_has_nothing_finished(tmp_path):
    assert read_journal(tmp_path / "new") == {}
    assert written_files(tmp_path / "new") == set()
