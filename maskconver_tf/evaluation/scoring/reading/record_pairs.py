"""Pairs the records of a dataset folder with predictions in COCO's panoptic format.

Nothing here loads TensorFlow.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.records.codec import PanopticRecord, from_features, key_and_count
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.tfrecord_file import (
    BrokenRecords,
    parse_example,
    read_records,
)
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.scoring.reading.picture_pairs import (
    PicturePairs,
    TruthPictures,
    pair_predictions,
)
from maskconver_tf.evaluation.scoring.reading.sides import Side
from maskconver_tf.files.paths import RemotePath, read_part


@dataclasses.dataclass(frozen=True)
class RecordReader:
    """Reads one picture from bytes `begin` to `begin + num_bytes` of a shard."""

    path: Path | RemotePath
    begin: int
    num_bytes: int

    @property
    def file(self) -> str:
        return str(self.path)

    def record(self) -> PanopticRecord:
        """Reads the record with its picture.

        Raises:
          UserError: the record is damaged.
        """
        try:
            return from_features(parse_example(read_part(self.path, self.begin, self.num_bytes)))
        except BrokenRecords as error:
            raise _damaged(self.path, error) from None

    def read(self) -> Side:
        record = self.record()
        ids = np.append(0, record.segment_ids)
        unknown = np.full(len(record.segment_ids), np.nan)
        return Side(
            ids[record.segment_map],
            record.segment_ids,
            record.segment_class_ids,
            record.segment_is_crowd,
            unknown,
            unknown,
            f"{self.path} ({record.file_name})",
        )


@dataclasses.dataclass(frozen=True)
class DatasetPictures:
    """The pictures of a dataset folder, in the order of its records.

    Attributes:
      folder: the dataset folder.
      ids: the id of each picture.
      readers: the reader of each picture.
    """

    folder: DatasetFolder
    ids: tuple[int | str, ...]
    readers: tuple[RecordReader, ...]

    def as_truth(self) -> TruthPictures:
        return TruthPictures(
            self.folder.path, self.folder.categories, self.ids, self.readers.__getitem__
        )


@functools.lru_cache(maxsize=2)
def dataset_pictures(path: Path | RemotePath) -> DatasetPictures:
    """Finds the records of a dataset folder; it reads each shard once.

    Raises:
      UserError: the folder is no dataset folder, or a shard is damaged.
    """
    folder = DatasetFolder(path)
    ids, readers = [], []
    for shard in folder.shard_paths:
        try:
            with shard.open("rb") as file:
                for begin, content in read_records(file):
                    (image_id, _), _ = key_and_count(parse_example(content))
                    ids.append(json.loads(image_id))
                    readers.append(RecordReader(shard, begin, len(content)))
        except BrokenRecords as error:
            raise _damaged(shard, error) from None
    return DatasetPictures(folder, tuple(ids), tuple(readers))


def record_pairs(
    dataset: Path | RemotePath,
    predictions: Sequence[tuple[Path, Path]],
    allow_missing: bool = False,
) -> PicturePairs:
    """Pairs the pictures of a dataset folder with predictions by their image id.

    Args:
      predictions: JSON file and folder of PNG files of each scored model.
      allow_missing: see `coco_pairs`.

    Raises:
      UserError: the dataset or a file of predictions cannot be used; see `coco_pairs`.
    """
    return pair_predictions(dataset_pictures(dataset).as_truth(), predictions, allow_missing)


def _damaged(path: Path | RemotePath, error: Exception) -> UserError:
    return UserError(
        f"{path}: the file is damaged ({error}); expected whole records. Copy the dataset again, "
        "or build it again with `maskconver data build`"
    )
