"""Reads a built dataset folder as a source, so that `data check` can check it like any other."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, SourceSegment
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS
from maskconver_tf.files.encoded_pictures.raw_values import NotRaw, read_raw_values
from maskconver_tf.files.pictures import UnreadablePicture


@dataclasses.dataclass(frozen=True)
class RecordPicture(FilePicture):
    """A picture of `DatasetFolderSource`.

    Attributes:
      image: the encoded picture.
      encoded_map: the encoded segment map.
      segments: the segments; the id of each is its value in the segment map.
    """

    image: bytes = b""
    encoded_map: bytes = b""
    segments: tuple[SourceSegment, ...] = ()

    def read_image(self) -> bytes:
        return self.image

    def read_truth(self) -> PanopticTruth:
        try:
            ids = read_raw_values(self.encoded_map, self.max_pixels).values
        except (UnreadablePicture, NotRaw) as error:
            raise self.unusable(self.map_file, Problem.MAP_UNREADABLE, str(error)) from None
        return PanopticTruth(ids, self.segments)


class DatasetFolderSource:
    """The pictures of a dataset folder, in the order of its records. See `Source`.

    Shards whose SHA-256 differs from dataset.json are reported in `findings` and not read.
    """

    def __init__(self, path: str | os.PathLike):
        """Raises `UserError` if `path` is not a complete dataset folder."""
        self.folder = DatasetFolder(path)
        self.where = str(path)
        self.description = {"layout": "built"}
        self.categories: Categories = self.folder.categories
        self.findings = [
            Finding(shard.name, str(shard), Problem.DAMAGED_SHARD, "another SHA-256")
            for shard in self.folder.damaged_shards()
        ]
        self.pictures = self

    def __len__(self) -> int:
        return self.folder.num_examples

    def __iter__(self) -> Iterator[RecordPicture]:
        return self.between(0, len(self))

    def between(self, start: int, stop: int) -> Iterator[RecordPicture]:
        from maskconver_tf.datasets.records.corrupt_records import explain_corrupt_records
        from maskconver_tf.datasets.records.reading import read_records

        sound = [p for p in self.folder.shard_paths if not self._is_damaged(p)]
        parsed = read_records(sound).skip(start).take(stop - start).map(codec.parse)
        with explain_corrupt_records(self.folder):
            yield from map(self._picture, parsed.as_numpy_iterator())

    def _is_damaged(self, shard: Path) -> bool:
        return any(finding.file == str(shard) for finding in self.findings)

    def _picture(self, example: dict[str, Any]) -> RecordPicture:
        name = example[types.FILE_NAME].decode()
        height, width = example[types.IMAGE_SIZE].tolist()
        rows = zip(
            example[types.SEGMENT_CLASS_IDS].tolist(),
            example[types.SEGMENT_IS_CROWD].tolist(),
            strict=True,
        )
        return RecordPicture(
            name=name,
            image_id=json.loads(example[types.IMAGE_ID]),
            image_file=f"{self.where}: {name}",
            map_file=f"{self.where}: map of {name}",
            size=(width, height),
            max_pixels=LARGEST_MAX_PIXELS,  # The build had its own limit.
            image=example[types.IMAGE],
            encoded_map=example[types.SEGMENT_MAP],
            segments=tuple(
                SourceSegment(number, class_id, self.categories[class_id].isthing, is_crowd)
                for number, (class_id, is_crowd) in enumerate(rows, start=1)
            ),
        )
