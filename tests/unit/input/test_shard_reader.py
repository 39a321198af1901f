"""Shards: several readers, several hosts, and a bucket."""

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from tests.unit.input.tiny_dataset import RANDOM, assert_equal, numbers_of, take


def test_readers_take_turns(data_dir):
    numbers = numbers_of(
        take(data_dir, 1, batch_size=7, shuffle_buffer=0, shuffle_shards=False, num_readers=2)
    )
    assert numbers == [0, 4, 1, 5, 2, 6, 3]


def test_hosts_may_have_their_own_shards(data_dir):
    settings = RANDOM | {"copy_paste": 0.0, "batch_size": 4, "shard_files": True}
    contexts = [tf.distribute.InputContext(2, host, num_replicas_in_sync=2) for host in range(2)]
    first, second = (take(data_dir, 6, context=context, **settings) for context in contexts)
    # The shards have 4 and 3 examples; each epoch visits every example once.
    assert sorted(numbers_of(first)) == sorted([0, 1, 2, 3] * 3)
    assert sorted(numbers_of(second)) == sorted([4, 5, 6] * 4)
    assert_equal(take(data_dir, 4, first_step=2, context=contexts[1], **settings), second[2:])


def test_a_bucket_is_read_like_a_folder(data_dir):
    # TensorFlow's own file system in memory stands in for gs://.
    bucket = "ram://bucket/dataset"
    for name in tf.io.gfile.listdir(data_dir):
        tf.io.gfile.copy(f"{data_dir}/{name}", f"{bucket}/{name}", overwrite=True)
    settings = RANDOM | {"num_readers": 2, "cache": True}
    assert_equal(take(bucket, 3, **settings), take(data_dir, 3, **settings))
    with pytest.raises(UserError, match="ram://bucket/elsewhere: found nothing"):
        take("ram://bucket/elsewhere", 1)


def test_more_hosts_than_shards_are_refused(data_dir):
    context = tf.distribute.InputContext(3, 2, num_replicas_in_sync=3)
    with pytest.raises(UserError, match=r"found 2 shards, expected .* 3 hosts.*--num_shards 3"):
        take(data_dir, 1, shard_files=True, context=context)
