"""The pictures of a dataset folder as a source, read without TensorFlow and in any order."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.shard_index import ShardRequest, index_shard
from maskconver_tf.datasets.records.tfrecord_file import BrokenRecords, parse_example
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, SourceSegment
from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS


@dataclasses.dataclass(frozen=True)
class StoredPicture(FilePicture):
    """A picture in a shard. The process that measures it opens the shard.

    Attributes:
      shard: the TFRecord file.
      begin, num_bytes: place of the record in it.
      is_thing: whether each class is one of things.
    """

    shard: str = ""
    begin: int = 0
    num_bytes: int = 0
    is_thing: tuple[bool, ...] = ()

    def read_image(self) -> bytes:
        return self._record().image_bytes

    def read_truth(self) -> PanopticTruth:
        """Gives the source's own segment ids, so that a copy of the record keeps them."""
        record = self._record()
        ids = np.concatenate([[0], record.segment_ids])
        rows = zip(
            record.segment_ids, record.segment_class_ids, record.segment_is_crowd, strict=True
        )
        segments = tuple(
            SourceSegment(int(number), int(class_id), self.is_thing[class_id], bool(is_crowd))
            for number, class_id, is_crowd in rows
        )
        return PanopticTruth(ids[record.segment_map], segments)

    def _record(self) -> codec.PanopticRecord:
        try:
            with open(self.shard, "rb") as file:
                file.seek(self.begin)
                return codec.from_features(parse_example(file.read(self.num_bytes)))
        except (BrokenRecords, OSError) as error:
            raise self.unusable(self.shard, Problem.MAP_UNREADABLE, str(error)) from None


class StoredPictures:
    """The pictures of a local dataset folder, in the order of its records. See `Source`.

    Attributes:
      most_segments: most segments of a picture, crowds included.
      num_bytes: size of all shards.

    Raises:
      UserError: the folder is in a bucket, is not complete, or a shard is damaged.
    """

    def __init__(self, folder: DatasetFolder):
        if not isinstance(folder.path, Path):
            raise UserError(
                f"{folder.path}: found a folder in a bucket; expected a local folder, because "
                "`new` reads every picture. Copy the dataset here, and write the address of the "
                "bucket into the experiment afterwards"
            )
        self.where = str(folder.path)
        self.description = {"layout": "built"}
        self.categories: Categories = folder.categories
        self.findings: list[Finding] = []
        self._is_thing = tuple(bool(flag) for flag in folder.categories.is_thing)
        self._places = [place for shard in folder.shard_paths for place in _places_of(shard)]
        self.most_segments = max((place[3] for place in self._places), default=0)
        self.num_bytes = sum(shard["num_bytes"] for shard in folder.manifest["shards"])
        self.pictures = LazyPictures(len(self._places), self._make)

    def _make(self, number: int) -> StoredPicture:
        shard, begin, num_bytes, _, key = self._places[number]
        name = key[1].decode()
        return StoredPicture(
            name=name,
            image_id=json.loads(key[0]),
            image_file=f"{self.where}: {name}",
            map_file=f"{self.where}: map of {name}",
            max_pixels=LARGEST_MAX_PIXELS,  # The build had its own limit.
            shard=shard,
            begin=begin,
            num_bytes=num_bytes,
            is_thing=self._is_thing,
        )


def _places_of(shard: Path) -> list[tuple[str, int, int, int, tuple[bytes, bytes]]]:
    index = index_shard(ShardRequest(str(shard)))
    if index.broken:
        number, reason = index.broken[0]
        raise UserError(
            f"{shard}: record {number} (counted from 0) cannot be read: {reason}. Copy the shard "
            "again, or build the dataset again"
        )
    return [(str(shard), begin, *rest) for _, begin, *rest in index.records]
