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
from maskconver_tf.files.json_file import read_json, write_json

_CONVERTED_FILE = "converted.json"
_DROPPED_FILE = "dropped.json"

_PACKAGES = ("maskconver_tf", "tensorflow", "numpy", "pillow")
"""The manifest lists the versions of these packages."""


class ShardWriter:
    """Writes one TFRecord file of a dataset folder."""

    def __init__(self, folder: Path, shard: int, num_shards: int):
        import tensorflow as tf

        self._path = folder / shard_name(shard, num_shards)
        self._num_examples = 0
        self._writer = tf.io.TFRecordWriter(str(self._path))

    def write(self, features: dict[str, list[bytes] | list[int]]) -> None:
        """Appends a record."""
        with self._explained_errors():
            self._writer.write(serialize(features))
        self._num_examples += 1

    def close(self) -> None:
        with self._explained_errors():
            self._writer.close()

    @contextlib.contextmanager
    def _explained_errors(self) -> Iterator[None]:
        """Turns TensorFlow's errors, for instance of a full disk, into `UserError`."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            reason = error.message.rpartition("; ")[2]
            raise UserError(
                f"{self._path}: cannot be written ({reason}); free space, or choose another --out"
            ) from None

    def finish(self) -> dict[str, Any]:
        """Closes the file and returns its entry for the manifest."""
        self.close()
        return {
            "name": self._path.name,
            "num_examples": self._num_examples,
            "num_bytes": self._path.stat().st_size,
            "sha256": sha256_of(self._path),
        }


class DatasetWriter:
    """Writes a dataset folder record by record, with one open file at a time.

    Record i of n goes to shard `i * num_shards // n`. So the shard of a picture does not depend on
    which other pictures are dropped.
    """

    def __init__(self, folder: Path, num_shards: int, num_items: int):
        """`folder` exists and is empty; `num_items` includes pictures that will be dropped."""
        self._folder = folder
        self._num_shards = num_shards
        self._num_items = num_items
        self._shards: list[dict[str, Any]] = []
        self._shard: ShardWriter | None = None

    def write(self, index: int, features: dict[str, list[bytes] | list[int]]) -> None:
        """Appends record `index` of `num_items`; `index` must rise from call to call."""
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
        """Opens each shard up to `shard`. A shard stays empty if all its pictures were dropped."""
        while len(self._shards) + (self._shard is not None) <= shard:
            self._close_shard()
            self._shard = ShardWriter(self._folder, len(self._shards), self._num_shards)

    def _close_shard(self) -> None:
        if self._shard is not None:
            self._shards.append(self._shard.finish())
            self._shard = None


def shard_bounds(shard: int, num_shards: int, num_items: int) -> tuple[int, int]:
    """Returns the first item of this shard and of the next.

    Item i belongs to shard `i * num_shards // num_items`.
    """
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
      shards: entries from `ShardWriter.finish`, in order.
      categories: the class list.
      counts: more content for dataset.json.
      converted: what was done to pictures -> their names; if empty, no file is written.
      dropped: the findings of the pictures that were left out; if empty, no file is written.

    Returns:
      The content of dataset.json.
    """
    for name, entries in ((_CONVERTED_FILE, converted), (_DROPPED_FILE, dropped)):
        if entries:
            write_json(folder / name, entries)
    categories.save(folder / CATEGORIES_FILE)
    manifest = {
        "format_version": FORMAT_VERSION,
        "versions": {name: _version(name) for name in _PACKAGES},
        "num_examples": sum(shard["num_examples"] for shard in shards),
        **counts,
        "categories_sha256": sha256_of(folder / CATEGORIES_FILE),
        "shards": shards,
    }
    write_json(folder / MANIFEST_FILE, manifest)
    return manifest


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def read_dropped(folder: Path) -> dict[str, str]:
    """Returns picture -> reason for the pictures that dropped.json lists; {} without the file.

    Raises:
      UserError: the file is not a list of findings.
    """
    path = folder / _DROPPED_FILE
    if not path.exists():
        return {}
    entries = read_json(path, "the list of pictures that were left out")
    try:
        return {str(entry["picture"]): str(entry["finding"]) for entry in entries}
    except (KeyError, TypeError):
        raise UserError(
            f"{path}: found other content than the build wrote; expected a list of objects with "
            "picture and finding. Copy the file again, or build again"
        ) from None
