"""A dataset folder as a source: what was built can be checked as what it was built from."""

from __future__ import annotations

import dataclasses
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.records import records
from maskconver_tf.datasets.sources.source import FileItem, SourceSegment, Truth


@dataclasses.dataclass(frozen=True)
class BuiltItem(FileItem):
    """A record of `Built`; `segments` are numbered as its map numbers them."""

    image: bytes = b""
    encoded_map: bytes = b""
    segments: tuple[SourceSegment, ...] = ()

    def read_image(self) -> bytes:
        return self.image

    def read_truth(self) -> Truth:
        try:
            ids = np.asarray(Image.open(io.BytesIO(self.encoded_map))).astype(np.int32)
        except Exception as error:  # Damaged files make Pillow raise nearly anything.
            raise self.refusal(self.map_file, Problem.MAP_UNREADABLE, str(error)) from None
        return Truth(ids, self.segments)


class Built:
    """The pictures of a dataset folder in its order. See `Source`."""

    def __init__(self, path: str | os.PathLike):
        """Raises `UserError` where `path` is no whole dataset folder."""
        self.folder = records.DatasetFolder(path)
        self.where = str(path)
        self.description = {"layout": "built"}
        self.categories: Categories = self.folder.categories
        self.findings = [
            Finding(shard.name, str(shard), Problem.DAMAGED_SHARD, "another SHA-256")
            for shard in self.folder.damaged_shards()
        ]
        self.items = self

    def __len__(self) -> int:
        return self.folder.num_examples

    def __iter__(self) -> Iterator[BuiltItem]:
        return self.part(0, len(self))

    def part(self, start: int, stop: int) -> Iterator[BuiltItem]:
        import tensorflow as tf

        from maskconver_tf.datasets.records.corrupt_records import corrupt_records_named

        sound = [p for p in self.folder.shard_paths if not self._is_damaged(p)]
        serialized = tf.data.TFRecordDataset([str(path) for path in sound])
        parsed = serialized.skip(start).take(stop - start).map(records.parse)
        with corrupt_records_named(self.folder):
            yield from map(self._item, parsed.as_numpy_iterator())

    def _is_damaged(self, shard: Path) -> bool:
        return any(finding.file == str(shard) for finding in self.findings)

    def _item(self, example: dict[str, Any]) -> BuiltItem:
        name = example[types.FILE_NAME].decode()
        height, width = example[types.IMAGE_SIZE].tolist()
        rows = zip(
            example[types.SEGMENT_CLASS_IDS].tolist(),
            example[types.SEGMENT_IS_CROWD].tolist(),
            strict=True,
        )
        return BuiltItem(
            name=name,
            image_id=json.loads(example[types.IMAGE_ID]),
            image_file=f"{self.where}: {name}",
            map_file=f"{self.where}: map of {name}",
            size=(width, height),
            image=example[types.IMAGE],
            encoded_map=example[types.SEGMENT_MAP],
            segments=tuple(
                SourceSegment(number, class_id, self.categories[class_id].isthing, is_crowd)
                for number, (class_id, is_crowd) in enumerate(rows, start=1)
            ),
        )
