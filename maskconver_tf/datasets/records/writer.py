"""Writes dataset folders; `folder.py` describes their layout."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.codec import serialize
from maskconver_tf.datasets.records.folder import CATEGORIES_FILE, FORMAT_VERSION, MANIFEST_FILE
from maskconver_tf.errors import UserError
from maskconver_tf.files.file_hash import sha256_of
from maskconver_tf.files.json_file import write_json

_CONVERTED_FILE = "converted.json"
_DROPPED_FILE = "dropped.json"

_PACKAGES = ("maskconver_tf", "tensorflow", "numpy", "pillow")
"""The manifest holds the versions of these."""


class ShardWriter:
    """Writes one TFRecord file of a dataset folder."""

    def __init__(self, folder: Path, shard: int, num_shards: int):
        import tensorflow as tf

        self._path = folder / shard_name(shard, num_shards)
        self._num_examples = 0
        self._writer = tf.io.TFRecordWriter(str(self._path))

    def write(self, features: dict[str, list[bytes] | list[int]]) -> None:
        """Appends a record."""
        with self._said():
            self._writer.write(serialize(features))
        self._num_examples += 1

    def close(self) -> None:
        with self._said():
            self._writer.close()

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        """Makes a `UserError` of what TensorFlow raises where a disk is full, say."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            reason = error.message.rpartition("; ")[2]
            raise UserError(
                f"{self._path}: cannot be written ({reason}); make room, or choose another --out."
            ) from None

    def finish(self) -> dict[str, Any]:
        """Closes the file; returns its entry in the manifest."""
        self.close()
        return {
            "name": self._path.name,
            "num_examples": self._num_examples,
            "num_bytes": self._path.stat().st_size,
            "sha256": sha256_of(self._path),
        }


class DatasetWriter:
    """Writes a dataset folder, one record at a time in the source's order, one open file at once.

    Record i of n goes to shard `i * num_shards // n`: which shard a picture is in does not change
    with what else is dropped.
    """

    def __init__(self, folder: Path, num_shards: int, num_items: int):
        """`folder` exists and is empty; `num_items` counts dropped pictures too."""
        self._folder = folder
        self._num_shards = num_shards
        self._num_items = num_items
        self._shards: list[dict[str, Any]] = []
        self._shard: ShardWriter | None = None

    def write(self, index: int, features: dict[str, list[bytes] | list[int]]) -> None:
        """Appends picture `index` of the source (rising from call to call)."""
        self._open_until(index * self._num_shards // self._num_items)
        self._shard.write(features)

    def finish(
        self,
        categories: Categories,
        counts: dict[str, Any],
        converted: dict[str, list[str]],
        dropped: list[dict[str, str]],
    ) -> dict[str, Any]:
        """Closes the shards and writes the JSON files; see `write_manifest`."""
        self._open_until(self._num_shards - 1)
        self._close_shard()
        return write_manifest(self._folder, self._shards, categories, counts, converted, dropped)

    def close(self) -> None:
        """Closes the open shard, if any."""
        if self._shard is not None:
            self._shard.close()

    def _open_until(self, shard: int) -> None:
        """Opens each shard up to `shard`; one whose pictures were all dropped stays empty."""
        while len(self._shards) + (self._shard is not None) <= shard:
            self._close_shard()
            self._shard = ShardWriter(self._folder, len(self._shards), self._num_shards)

    def _close_shard(self) -> None:
        if self._shard is not None:
            self._shards.append(self._shard.finish())
            self._shard = None


def shard_bounds(shard: int, num_shards: int, num_items: int) -> tuple[int, int]:
    """First item of a shard, and of the next: the items i with `i * num_shards // n == shard`."""
    return -(-shard * num_items // num_shards), -(-(shard + 1) * num_items // num_shards)


def shard_name(shard: int, num_shards: int) -> str:
    return f"data-{shard:05d}-of-{num_shards:05d}.tfrecord"


def write_manifest(
    folder: Path,
    shards: list[dict[str, Any]],
    categories: Categories,
    counts: dict[str, Any],
    converted: dict[str, list[str]],
    dropped: list[dict[str, str]],
) -> dict[str, Any]:
    """Writes the JSON files of a dataset folder, dataset.json last.

    Args:
      shards: what `ShardWriter.finish` returned, in order.
      categories: the class list.
      counts: goes into dataset.json.
      converted: what was done to pictures -> their names; where empty, no file.
      dropped: findings for which pictures were left out; where empty, no file.

    Returns:
      The content of dataset.json.
    """
    for name, entries in ((_CONVERTED_FILE, converted), (_DROPPED_FILE, dropped)):
        if entries:
            write_json(folder / name, entries)
    categories.save(folder / CATEGORIES_FILE)
    summary = {
        "format_version": FORMAT_VERSION,
        "versions": {name: _version(name) for name in _PACKAGES},
        "num_examples": sum(shard["num_examples"] for shard in shards),
        **counts,
        "categories_sha256": sha256_of(folder / CATEGORIES_FILE),
        "shards": shards,
    }
    write_json(folder / MANIFEST_FILE, summary)
    return summary


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
