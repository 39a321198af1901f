"""A dataset folder that is not whole or not as the builder wrote it is refused."""

import json

import pytest

from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.errors import UserError
from tests.unit.datasets.records.small_records import write_folder


def _drop_shard(folder):
    (folder / "data-00000-of-00001.tfrecord").unlink()


def _cut_shard(folder):
    path = folder / "data-00000-of-00001.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])


def _from_the_future(folder):
    summary = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(summary | {"format_version": 99}))


def _as_the_first_builder_wrote_it(folder):
    summary = json.loads((folder / "dataset.json").read_text()) | {"format_version": 1}
    del summary["categories_sha256"]
    (folder / "dataset.json").write_text(json.dumps(summary))


def _without_shards(folder):
    summary = json.loads((folder / "dataset.json").read_text()) | {"shards": [{"name": "a"}]}
    (folder / "dataset.json").write_text(json.dumps(summary))


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (_drop_shard, "tfrecord: the shard does not exist"),
        (_cut_shard, "tfrecord: found .* bytes, expected"),
        (_from_the_future, "dataset.json: found format version 99, expected 2: a newer"),
        (
            _as_the_first_builder_wrote_it,
            "dataset.json: found format version 1 without categories_sha256; expected version "
            "2 with .*: an older .*`maskconver data build",
        ),
        (
            lambda folder: (folder / "dataset.json").write_text("[]"),
            r"found format_version \[\] .a list.; expected a whole .*data build",
        ),
        (_without_shards, "dataset.json: shards has .*; expected a list of objects with name"),
        (lambda folder: (folder / "dataset.json").unlink(), "no dataset.json.*data build"),
        (lambda folder: (folder / "categories.json").unlink(), "categories.json.*does not exist"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(tmp_path, damage, finding):
    folder = write_folder(tmp_path / "set", 1, [0], 1)
    damage(folder)
    with pytest.raises(UserError, match=finding):
        DatasetFolder(folder)


def test_a_changed_byte_is_found(tmp_path):
    folder = DatasetFolder(write_folder(tmp_path / "set", 2, [0, 1], 2))
    path = folder.shard_paths[1]
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    assert DatasetFolder(folder.path).damaged_shards() == [path]


def test_another_class_list_is_refused(tmp_path):
    folder = write_folder(tmp_path / "set", 1, [0], 1)
    path = folder / "categories.json"
    path.write_text(path.read_text().replace("cat", "dog"))
    with pytest.raises(UserError, match=r"categories.json: the file was changed after the build"):
        DatasetFolder(folder)


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: found a file"):
        DatasetFolder(tmp_path / "file")
    with pytest.raises(UserError, match="gone: found nothing"):
        DatasetFolder(tmp_path / "gone")


def test_a_folder_that_is_no_path_is_refused():
    with pytest.raises(UserError, match="found 5 .a whole number. where a path belongs; expected"):
        DatasetFolder(5)
