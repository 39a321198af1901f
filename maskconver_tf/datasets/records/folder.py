"""Reads dataset folders, and knows their layout.

A dataset folder holds

    categories.json                 COCO's `categories` list; class ids are positions in it
    dataset.json                    the manifest: format, versions, counts, shards and their hashes
    data-00000-of-0000N.tfrecord    one `tf.train.Example` per picture, in the source's order
    converted.json, dropped.json    which pictures the builder changed or left out, if any
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.file_hash import sha256_of
from maskconver_tf.files.json_file import read_json
from maskconver_tf.files.paths import local_or_remote_path

FORMAT_VERSION = 2
"""Of the folder and its records. A reader refuses a newer one, and an older one without hashes."""

CATEGORIES_FILE = "categories.json"
MANIFEST_FILE = "dataset.json"


class DatasetFolder:
    """A dataset folder that the builder wrote.

    Attributes:
      path: the folder, local or in a bucket (`gs://...`).
      categories: its class list.
      manifest: the content of dataset.json: counts per class and more.
      num_examples: records in all shards together.
      shard_paths: TFRecord files; read one after the other they give the source's order.
    """

    def __init__(self, path: str | Path):
        """Raises `UserError` where `path` is not a complete dataset folder this code can read."""
        self.path = local_or_remote_path(path)
        self.manifest = _read_manifest(self.path)
        self.categories = Categories.load(self.path / CATEGORIES_FILE)
        self.num_examples: int = self.manifest["num_examples"]
        self.shard_paths = [self.path / shard["name"] for shard in self.manifest["shards"]]
        self._check_categories()
        for path, shard in zip(self.shard_paths, self.manifest["shards"], strict=True):
            _check_shard(path, shard["num_bytes"])

    def damaged_shards(self) -> list[Path]:
        """The shards whose content is not what the builder wrote; reads all of them."""
        shards = zip(self.shard_paths, self.manifest["shards"], strict=True)
        return [path for path, shard in shards if sha256_of(path) != shard["sha256"]]

    def _check_categories(self) -> None:
        path = self.path / CATEGORIES_FILE
        if sha256_of(path) != self.manifest["categories_sha256"]:
            raise UserError(
                f"{path}: not the class list that the builder wrote; expected the one whose "
                f"SHA-256 {MANIFEST_FILE} has. Copy it again, or build again to change classes."
            )


def is_dataset_folder(path: Path) -> bool:
    """Whether the builder wrote the folder, whole or not."""
    return (path / MANIFEST_FILE).is_file()


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The content of dataset.json, checked for what a reader needs."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise UserError(f"{folder}: found {found}, expected a dataset folder; {_BUILD_IT}")
    if not is_dataset_folder(folder):
        raise UserError(f"{folder}: not a dataset folder, it has no {MANIFEST_FILE}; {_BUILD_IT}")
    path = folder / MANIFEST_FILE
    summary = read_json(path, "the dataset's description")
    version = summary.get("format_version") if isinstance(summary, dict) else None
    if type(version) is not int:
        raise UserError(f"{path}: not a description that the builder wrote; {_BUILD_IT}")
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path}: found format version {version}, expected {FORMAT_VERSION}: a newer "
            "maskconver wrote it; update this one or build the dataset again with `maskconver data "
            "build`."
        )
    missing = [name for name in _NEEDED if name not in summary]
    if missing:
        raise UserError(
            f"{path}: found format version {version} without {', '.join(missing)}, expected "
            f"{FORMAT_VERSION}: an older maskconver wrote it; build the dataset again with "
            "`maskconver data build ... --overwrite`."
        )
    shards = summary["shards"]
    if not isinstance(shards, list) or not all(map(_is_shard, shards)):
        raise UserError(f"{path}: the list shards is not one that the builder wrote; {_BUILD_IT}")
    return summary


_NEEDED = ("num_examples", "categories_sha256", "shards")
"""What a reader needs of the manifest besides its version."""


def _is_shard(entry: Any) -> bool:
    """Whether an entry of `shards` is as `ShardWriter.finish` makes it."""
    kinds = {"name": str, "num_examples": int, "num_bytes": int, "sha256": str}
    return isinstance(entry, dict) and all(type(entry.get(key)) is kinds[key] for key in kinds)


_BUILD_IT = "`maskconver data build` writes one."


def _check_shard(path: Path, num_bytes: int) -> None:
    if not path.is_file():
        raise UserError(f"{path}: the shard does not exist; copy it here or build again.")
    if path.stat().st_size != num_bytes:
        raise UserError(
            f"{path}: found {path.stat().st_size} bytes, expected {num_bytes}, perhaps an "
            "unfinished copy; copy it again or build again."
        )
