"""A proof finds every change of shards, class list and dataset.json."""

import json

import pytest

from maskconver_tf.datasets.proof.differences import Difference
from tests.unit.datasets.proof.built_folder import only


@pytest.mark.parametrize("lost", [1, 30, 2000])
@pytest.mark.parametrize("adopted", [False, True])
def test_a_truncated_shard(built, check, lost, adopted):
    content = built.shard(1).read_bytes()
    built.shard(1).write_bytes(content[:-lost])
    if adopted:
        built.adopt(number=1)
    kinds = {kind for kind, _ in check(built)}
    lost_records = {Difference.UNREADABLE_RECORD, Difference.NO_RECORD}
    assert kinds == lost_records | ({Difference.SHARD} if not adopted else set())


def test_a_shard_that_is_missing_or_empty(built, check):
    built.shard(1).write_bytes(b"")
    kinds = [kind for kind, _ in check(built)]
    assert kinds == [Difference.SHARD, Difference.NO_RECORD, Difference.NO_RECORD]
    built.shard(1).unlink()
    findings = check(built)
    assert [kind for kind, _ in findings] == kinds
    assert findings[0][1].endswith(": the shard does not exist or cannot be opened")


def test_a_flipped_bit_in_any_place_of_a_shard(built, check):
    content = built.shard().read_bytes()
    for place in range(0, len(content), len(content) // 40):
        changed = bytearray(content)
        changed[place] ^= 4
        built.shard().write_bytes(changed)
        assert check(built)[0][0] == Difference.SHARD


@pytest.mark.parametrize("adopted", [False, True])
def test_a_changed_class_list(built, check, adopted):
    path = built.path / "categories.json"
    classes = json.loads(path.read_text())
    path.write_text(json.dumps([classes[1], classes[0], classes[2]]))
    if adopted:
        built.adopt()
    findings = check(built)
    assert [kind for kind, _ in findings] == [Difference.CLASSES] * 2
    text = "class 0: the folder has pré (id 200, stuff, group stuff), the source has ciel (id 7, "
    assert text in findings[0][1]


def test_a_class_too_few(built, check):
    path = built.path / "categories.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:2]))
    text = "class 2: the folder has none, the source has ballon (id 18, thing, group thing)"
    only(check(built), Difference.CLASSES, text)


def test_a_count_in_the_manifest(built, check):
    manifest = built.manifest
    manifest["num_segments"] += 1
    (built.path / "dataset.json").write_text(json.dumps(manifest))
    text = "dataset.json: num_segments: dataset.json says 17, it is 16"
    only(check(built), Difference.COUNTS, text)


def test_the_number_of_records_in_the_manifest(built, check):
    built.adopt(num_examples=3)
    text = "data-00000-of-00002.tfrecord: 2 records, and num_examples 3"
    findings = check(built)
    only(findings, Difference.COUNTS, text)
