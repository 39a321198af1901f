"""Finds the records of a dataset folder that cannot be read, and says where they are.

This costs nothing while training goes well. A corrupt record stops the input with an error of
TensorFlow that names no file; only then is the folder searched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.reading import parallel_calls, read_records
from maskconver_tf.errors import UserError

_BROKEN = (tf.errors.DataLossError, tf.errors.InvalidArgumentError)


@dataclasses.dataclass(frozen=True)
class CorruptRecord:
    """A record that cannot be read.

    Attributes:
      shard: number of its shard, in the folder's order.
      position: its position in the shard, from 0.
      num_lost: number of lost records, including this one. It is 1, or all records up to the end of
        the shard if the damage hides the later ones.
      reason: one line that says what TensorFlow found.
    """

    shard: int
    position: int
    num_lost: int
    reason: str


def find_corrupt_records(folder: DatasetFolder) -> Iterator[CorruptRecord]:
    """Reads and decodes every record once. Yields the corrupt ones, in the folder's order."""
    for shard, (path, entry) in enumerate(
        zip(folder.shard_paths, folder.manifest["shards"], strict=True)
    ):
        checked = iter(read_records([path]).map(_check, num_parallel_calls=parallel_calls()))
        for position in range(entry["num_examples"]):
            try:
                next(checked)
            except tf.errors.InvalidArgumentError as error:
                yield CorruptRecord(shard, position, 1, _reason(error))
            except (tf.errors.DataLossError, StopIteration) as error:
                lost = entry["num_examples"] - position
                yield CorruptRecord(shard, position, lost, _reason(error))
                break


@contextlib.contextmanager
def explain_corrupt_records(folder: DatasetFolder) -> Iterator[None]:
    """Turns the error of a corrupt record into a message. Use it around code that reads the folder.

    Raises:
      UserError: names the shard and the record, instead of TensorFlow's error.
    """
    try:
        yield
    except _BROKEN as error:
        # Other errors of these kinds come from the model; a search would find nothing.
        if "IteratorGetNext" not in str(error):
            raise
        for corrupt in find_corrupt_records(folder):
            raise UserError(_message(folder, corrupt)) from error
        raise


def _message(folder: DatasetFolder, corrupt: CorruptRecord) -> str:
    later = corrupt.num_lost - 1
    rest = f" and the {later} after it" if later else ""
    return (
        f"{folder.shard_paths[corrupt.shard]}: record {corrupt.position} (counted from 0){rest} "
        f"cannot be read ({corrupt.reason}); copy the shard again, build the dataset again, or "
        "leave such records out of training with TrainingInput.skip_corrupt = True"
    )


@tf.autograph.experimental.do_not_convert
def _check(serialized: tf.Tensor) -> tf.Tensor:
    """Fails unless picture and truth can be decoded and agree."""
    example = codec.decode(codec.parse(serialized))
    size = example[types.IMAGE_SIZE]
    last = tf.reduce_max(example[types.SEGMENT_MAP])
    checks = [
        tf.debugging.assert_equal(tf.shape(example[types.IMAGE])[:2], size, "size of the picture"),
        tf.debugging.assert_equal(tf.shape(example[types.SEGMENT_MAP]), size, "size of the map"),
        tf.debugging.assert_less_equal(last, tf.size(example[types.SEGMENT_CLASS_IDS]), "segments"),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(last)


def _reason(error: Exception) -> str:
    """Says in one line what is wrong, without the names of TensorFlow's nodes."""
    if not isinstance(error, tf.errors.OpError):
        return "the shard ends before it"
    line = error.message.splitlines()[0].partition(" [Op:")[0]
    return re.sub(r".*Iterator::\S+: ", "", line.rpartition("}} ")[2]).strip()
