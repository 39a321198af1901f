"""Paths with any character: links past TensorFlow's patterns, and names that only look the same."""

import unicodedata

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import (
    find_same_looking,
    local_or_remote_path,
    pattern_free_path,
    read_part,
    same_file_key,
)

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("name", ["lr[0.1]", "a*", "b?", "back\\slash", "[", "x[!a]/y*"])
def test_a_checkpoint_can_be_written_listed_and_read_through_the_pattern_free_path(tmp_path, name):
    folder = tmp_path / name / "checkpoints"
    folder.mkdir(parents=True)
    path = pattern_free_path(folder / "ckpt-1")
    variable = tf.Variable(3.0)
    tf.train.Checkpoint(v=variable).write(path)
    assert (folder / "ckpt-1.index").is_file()
    variable.assign(0.0)
    tf.train.Checkpoint(v=variable).read(path).assert_consumed()
    assert variable.numpy() == 3.0


@pytest.mark.parametrize(
    "name", ["plain", "a b", "100%", "new\nline", "q\"uo'te", COMPOSED, "{a,b}"]
)
def test_a_path_without_a_pattern_stays(tmp_path, name):
    assert pattern_free_path(tmp_path / name) == str(tmp_path / name)


def test_a_pattern_in_a_bucket_is_refused():
    with pytest.raises(UserError, match=r"gs://b/lr\[0.1\]: found '\[' in the name; expected none"):
        pattern_free_path("gs://b/lr[0.1]")


@pytest.mark.parametrize("asked, stored", [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_name_in_the_other_normal_form_is_found(tmp_path, asked, stored):
    (tmp_path / stored).mkdir()
    (tmp_path / stored / f"{stored}.jpg").touch()
    path = tmp_path / asked / f"{asked}.jpg"
    assert find_same_looking(path) == tmp_path / stored / f"{stored}.jpg"
    assert same_file_key(path) == same_file_key(tmp_path / stored / f"{stored}.jpg")
    assert find_same_looking(tmp_path / asked / "other.jpg") is None


def test_all_ways_to_write_a_path_have_one_key(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to("images")
    monkeypatch.chdir(tmp_path)
    ways = ["images/a.jpg", "./images/../images/a.jpg", "link/a.jpg", tmp_path / "images/a.jpg"]
    assert len(set(map(same_file_key, ways))) == 1


@pytest.mark.parametrize("folder", ["{tmp}", "ram://part"])
def test_a_part_of_a_file(tmp_path, folder):
    path = folder.format(tmp=tmp_path) + "/file"
    tf.io.gfile.makedirs(folder.format(tmp=tmp_path))
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(bytes(range(100)))
    for begin, count in ((0, 3), (40, 20), (98, 50)):
        expected = bytes(range(100))[begin : begin + count]
        assert read_part(local_or_remote_path(path), begin, count) == expected
