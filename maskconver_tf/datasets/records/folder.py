"""Reads dataset folders, and knows their layout.

A dataset folder holds

    categories.json                 COCO's `categories` list; class ids are positions in it
    dataset.json                    the manifest: format, versions, counts, shards and their hashes
    data-00000-of-0000N.tfrecord    one `tf.train.Example` per picture, in random order
    converted.json, dropped.json    which pictures the builder changed or left out, if any
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, found_instead, typed_repr
from maskconver_tf.files.file_hash import sha256_of
from maskconver_tf.files.json_file import read_json
from maskconver_tf.files.paths import local_or_remote_path

FORMAT_VERSION = 2
"""Version of the folder and its records.

A reader refuses newer versions, and old ones that have no hashes.
"""

CATEGORIES_FILE = "categories.json"
MANIFEST_FILE = "dataset.json"

_NEEDED_KEYS = ("num_examples", "categories_sha256", "shards")
"""Keys of the manifest that a reader needs besides the version."""

_BUILD_IT = "`maskconver data build` writes one"


class DatasetFolder:
    """A dataset folder that the builder wrote.

    Attributes:
      path: the folder, local or in a bucket (`gs://...`).
      categories: its class list.
      manifest: the content of dataset.json; it has counts per class, the shards, and more.
      num_examples: number of records in all shards together.
      shard_paths: the TFRecord files. Read in this order they give the order of the records.
    """

    def __init__(self, path: str | Path, check_files: bool = True):
        """
        Args:
          check_files: whether to compare class list and sizes of the shards with dataset.json.

        Raises:
          UserError: `path` is not a complete dataset folder that this code can read.
        """
        self.path = local_or_remote_path(path)
        self.manifest = _read_manifest(self.path)
        if check_files:
            self._check_categories()
        self.categories = Categories.load(self.path / CATEGORIES_FILE)
        self.num_examples: int = self.manifest["num_examples"]
        self.shard_paths = [self.path / shard["name"] for shard in self.manifest["shards"]]
        shards = self.manifest["shards"] if check_files else ()
        for path, shard in zip(self.shard_paths, shards, strict=check_files):
            _check_shard(path, shard["num_bytes"])

    def damaged_shards(self) -> list[Path]:
        """Reads all shards and returns those that differ from what the builder wrote."""
        shards = zip(self.shard_paths, self.manifest["shards"], strict=True)
        return [path for path, shard in shards if sha256_of(path) != shard["sha256"]]

    def _check_categories(self) -> None:
        path = self.path / CATEGORIES_FILE
        if not path.is_file():
            raise UserError(f"{path}: the class list does not exist; copy it here, or build again")
        if sha256_of(path) != self.manifest["categories_sha256"]:
            raise UserError(
                f"{path}: the file was changed after the build; its SHA-256 is not the one in "
                f"{MANIFEST_FILE}. Copy the file again. To change classes, build again"
            )


def is_dataset_folder(path: Path) -> bool:
    """Whether the builder wrote this folder, even if it is no longer complete."""
    return (path / MANIFEST_FILE).is_file()


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Reads dataset.json and checks that it has everything a reader needs."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise UserError(f"{folder}: found {found}, expected a dataset folder; {_BUILD_IT}")
    if not is_dataset_folder(folder):
        raise UserError(
            f"{folder}: not a dataset folder, it has no {MANIFEST_FILE}; {_BUILD_IT}. If a copy of "
            "a dataset folder did not finish, copy it again"
        )
    path = folder / MANIFEST_FILE
    manifest = read_json(path, "the dataset's description")
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if type(version) is not int:
        given = manifest.get("format_version") if isinstance(manifest, dict) else manifest
        raise UserError(
            f"{path}: found format_version {typed_repr(given)}; expected a whole number. The file "
            f"is no valid {MANIFEST_FILE}; {_BUILD_IT}"
        )
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path}: found format version {version}, expected {FORMAT_VERSION}: a newer "
            "maskconver wrote it. Update this one, or build the dataset again with `maskconver "
            "data build`"
        )
    missing = [name for name in _NEEDED_KEYS if name not in manifest]
    if missing:
        hint = found_instead(missing[0], manifest.keys() - set(_NEEDED_KEYS))
        reason = "an older maskconver wrote it" if version < FORMAT_VERSION else "it was changed"
        raise UserError(
            f"{path}: found format version {version} without {', '.join(missing)}{hint}; expected "
            f"version {FORMAT_VERSION} with {', '.join(_NEEDED_KEYS)}: {reason}. Build the dataset "
            "again with `maskconver data build ... --overwrite`"
        )
    shards = manifest["shards"]
    wrong = [shards] if not isinstance(shards, list) else [s for s in shards if not _is_shard(s)]
    if wrong:
        raise UserError(
            f"{path}: shards has {typed_repr(wrong[0])}; expected a list of objects with "
            "name and sha256, which are text, and num_examples and num_bytes, which are whole "
            f"numbers. The file was changed; {_BUILD_IT}"
        )
    return manifest


def _is_shard(entry: Any) -> bool:
    """Whether an entry of `shards` has the form that `ShardWriter.finish` returns."""
    kinds = {"name": str, "num_examples": int, "num_bytes": int, "sha256": str}
    return isinstance(entry, dict) and all(type(entry.get(key)) is kinds[key] for key in kinds)


def _check_shard(path: Path, num_bytes: int) -> None:
    if not path.is_file():
        raise UserError(f"{path}: the shard does not exist; copy it here, or build again")
    if path.stat().st_size != num_bytes:
        raise UserError(
            f"{path}: found {path.stat().st_size} bytes, expected {num_bytes}. Perhaps a "
            "copy did not finish; copy it again, or build again"
        )
