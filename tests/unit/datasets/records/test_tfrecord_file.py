"""Records read without TensorFlow are those that TensorFlow wrote."""

import io
import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.shard_index import ShardRequest, index_shard
from maskconver_tf.datasets.records.tfrecord_file import (
    BrokenRecords,
    parse_example,
    read_records,
)
from tests.unit.datasets.records.small_records import make_record


@pytest.fixture
def shard(tmp_path):
    """Three records; one has no segments, one has numbers of 64 bits."""
    records = [
        make_record(),
        make_record(
            segment_map=np.zeros([3, 4], np.uint16),
            segment_ids=[],
            segment_class_ids=[],
            segment_is_crowd=[],
        ),
        make_record(segment_ids=[-1, 2**62, 300], image_id="a\u00e9"),
    ]
    path = tmp_path / "shard"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(codec.encode(record))
    return path, records


def test_records_have_the_content_that_was_written(shard):
    path, records = shard
    for (begin, serialized), record in zip(read_records(path.open("rb")), records, strict=True):
        assert path.read_bytes()[begin : begin + len(serialized)] == serialized
        features = parse_example(serialized)
        assert features == codec.to_features(record)
        read = codec.from_features(features)
        np.testing.assert_array_equal(read.segment_map, record.segment_map)
        assert read.segment_ids.tolist() == list(record.segment_ids)
        assert (read.image_id, read.file_name) == (record.image_id, record.file_name)
        assert read.image_bytes == record.image_bytes


def test_numbers_that_are_not_packed():
    packed = tf.train.Example()
    packed.features.feature["a"].int64_list.value.extend([1, 300])
    loose = b"\x0a\x0e\x0a\x0c\x0a\x01a\x12\x07\x1a\x05\x08\x01\x08\xac\x02"
    assert tf.train.Example.FromString(loose) == packed
    assert parse_example(loose) == parse_example(packed.SerializeToString()) == {"a": [1, 300]}


@pytest.mark.parametrize("serialized", [b"\x0a", b"\x0a\x05ab", b"\xff" * 20, b"nonsense"])
def test_what_is_no_example_is_refused(serialized):
    with pytest.raises(BrokenRecords):
        codec.key_and_count(parse_example(serialized))


@pytest.mark.parametrize("field", [types.IMAGE, types.IMAGE_ID, types.IMAGE_SIZE, "segments"])
def test_a_record_without_a_field_is_refused(field):
    features = codec.to_features(make_record())
    key = "segments/ids" if field == "segments" else codec._KEYS[field]
    del features[key]
    with pytest.raises(BrokenRecords, match="the record has"):
        codec.from_features(features)


def test_a_cut_file_gives_its_whole_records_and_says_that_it_is_cut(shard):
    path, _ = shard
    content = path.read_bytes()
    ends = [begin + len(data) + 4 for begin, data in read_records(io.BytesIO(content))]
    for cut in itertools.chain(range(1, 40), range(40, len(content), 23)):
        reader, read = read_records(io.BytesIO(content[:-cut])), []
        whole = sum(end <= len(content) - cut for end in ends)
        if len(content) - cut in ends or cut == len(content):
            assert len(list(reader)) == whole
            continue
        with pytest.raises(BrokenRecords, match="breaks off"):
            read.extend(reader)
        assert index_of(path, content[:-cut]).num_records == whole


def index_of(path, content):
    other = path.with_name("cut")
    other.write_bytes(content)
    return index_shard(ShardRequest(str(other)))


def test_a_damaged_length_is_found(shard):
    path, _ = shard
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    index = index_of(path, bytes(content))
    assert index.broken == [(0, "the length of the record is damaged")]
    assert index.num_bytes == len(content)


def test_an_index_holds_places_and_keys(shard):
    path, records = shard
    index = index_shard(ShardRequest(str(path)))
    keys = [codec.picture_key(record.image_id, record.file_name) for record in records]
    assert [entry[4] for entry in index.records] == keys
    assert [entry[3] for entry in index.records] == [3, 0, 3]
    assert json.loads(keys[2][0]) == "a\u00e9"
    assert (index.num_records, index.broken, len(index.sha256)) == (3, [], 64)
