"""Dataset folders: the one file that knows their layout and the keys of their TFRecords.

A dataset folder holds

    categories.json                 COCO's `categories` list; class ids are positions in it
    dataset.json                    the manifest: format, versions, counts, shards and their hashes
    data-00000-of-0000N.tfrecord    one `tf.train.Example` a picture, in the source's order
    converted.json, dropped.json    what the builder changed or left out, where it did

TensorFlow is imported where it is used: the builder's processes need `to_features` alone and so
start in a fraction of a second.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import as_utf8, read_json, write_json
from maskconver_tf.files.paths import any_path

if TYPE_CHECKING:
    import tensorflow as tf

FORMAT_VERSION = 2
"""Of the folder and its records; a reader refuses a newer one, and an older one without hashes."""

MAX_SEGMENTS = 2**16 - 1
"""In one picture: what a 16-bit segment map can number."""

_CATEGORIES_FILE = "categories.json"
_DATASET_FILE = "dataset.json"
_CONVERTED_FILE = "converted.json"
_DROPPED_FILE = "dropped.json"

_KEYS = {
    types.IMAGE: "image/encoded",
    types.IMAGE_ID: "image/id",
    types.FILE_NAME: "image/file_name",
    types.IMAGE_SIZE: "image/size",
    types.SEGMENT_MAP: "segments/map_png",
    types.SEGMENT_IDS: "segments/ids",
    types.SEGMENT_CLASS_IDS: "segments/class_ids",
    types.SEGMENT_IS_CROWD: "segments/is_crowd",
}
"""Field name -> key in a record."""


# ---- One record ----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class PanopticRecord:
    """One picture with its truth, as a record holds it; n segments.

    Attributes:
      image_bytes: JPEG or PNG that decodes to upright 8-bit RGB.
      image_id: the source's image id.
      file_name: the source picture's file name.
      height, width: of the picture, in pixels.
      segment_map: uint16 `[height, width]`: i for the i-th segment counted from 1, 0 for void.
      segment_ids: int `[n]`: the source's segment ids.
      segment_class_ids: int `[n]`: contiguous class ids.
      segment_is_crowd: bool `[n]`.
    """

    image_bytes: bytes
    image_id: int | str
    file_name: str
    height: int
    width: int
    segment_map: np.ndarray
    segment_ids: np.ndarray
    segment_class_ids: np.ndarray
    segment_is_crowd: np.ndarray


def to_features(record: PanopticRecord) -> dict[str, list[bytes] | list[int]]:
    """The record's content under its keys, the segment map as 16-bit grayscale PNG."""
    content = {
        types.IMAGE: [record.image_bytes],
        types.IMAGE_ID: [as_utf8(json.dumps(record.image_id, ensure_ascii=False)).encode()],
        types.FILE_NAME: [as_utf8(record.file_name).encode()],
        types.IMAGE_SIZE: [record.height, record.width],
        types.SEGMENT_MAP: [_to_png(record.segment_map)],
        types.SEGMENT_IDS: [int(value) for value in record.segment_ids],
        types.SEGMENT_CLASS_IDS: [int(value) for value in record.segment_class_ids],
        types.SEGMENT_IS_CROWD: [int(value) for value in record.segment_is_crowd],
    }
    return {_KEYS[field]: values for field, values in content.items()}


def serialize(features: dict[str, list[bytes] | list[int]]) -> bytes:
    """A `tf.train.Example` of what `to_features` returned; the same features, the same bytes."""
    import tensorflow as tf

    example = tf.train.Example()
    for key, values in features.items():
        feature = example.features.feature[key]
        if values and isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        else:
            feature.int64_list.value.extend(values)
    return example.SerializeToString(deterministic=True)


def encode(record: PanopticRecord) -> bytes:
    """A serialized `tf.train.Example`, which `parse` and `decode` turn into an example."""
    return serialize(to_features(record))


def parse(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Reads one record without decoding its picture; runs in `tf.data`.

    Args:
      serialized: string scalar that `encode` wrote.

    Returns:
      The fields `decode` returns; IMAGE and SEGMENT_MAP are still encoded, string scalars.
    """
    import tensorflow as tf

    kinds = {field: tf.io.RaggedFeature(tf.int64) for field in _KEYS}
    for field in (types.IMAGE, types.IMAGE_ID, types.FILE_NAME, types.SEGMENT_MAP):
        kinds[field] = tf.io.FixedLenFeature([], tf.string)
    kinds[types.IMAGE_SIZE] = tf.io.FixedLenFeature([2], tf.int64)
    parsed = tf.io.parse_single_example(
        serialized, {key: kinds[field] for field, key in _KEYS.items()}
    )
    example = {field: parsed[key] for field, key in _KEYS.items()}
    for field in (types.IMAGE_SIZE, types.SEGMENT_CLASS_IDS):
        example[field] = tf.cast(example[field], tf.int32)
    example[types.SEGMENT_IS_CROWD] = tf.cast(example[types.SEGMENT_IS_CROWD], tf.bool)
    return example


def decode(parsed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Decodes the picture and the segment map of what `parse` returned; runs in `tf.data`.

    Returns:
      IMAGE uint8 `[h, w, 3]`, SEGMENT_MAP int32 `[h, w]`, SEGMENT_IDS int64 `[n]`,
      SEGMENT_CLASS_IDS int32 `[n]`, SEGMENT_IS_CROWD bool `[n]`, IMAGE_ID and FILE_NAME string
      scalars, IMAGE_SIZE int32 `[2]`.
    """
    import tensorflow as tf

    from maskconver_tf.files.decoding import decode_picture

    segment_map = tf.io.decode_png(parsed[types.SEGMENT_MAP], channels=1, dtype=tf.uint16)
    return parsed | {
        types.IMAGE: decode_picture(parsed[types.IMAGE]),
        types.SEGMENT_MAP: tf.cast(segment_map[..., 0], tf.int32),
    }


def decode_window(
    parsed: dict[str, tf.Tensor], begin: tf.Tensor, extent: tf.Tensor, size: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes the rectangle of picture and segment map that will be scaled; runs in `tf.data`.

    Args:
      parsed: what `parse` returned.
      begin: see `decode_part`; so are `extent` and `size`.
      extent: int32 `[2]`, height and width; the rectangle lies within the picture.
      size: int32 `[2]`, what the rectangle will be scaled to.

    Returns:
      uint8 `[h, w, 3]`, of `extent` or smaller, and uint16 `extent`.
    """
    import tensorflow as tf

    from maskconver_tf.files.decoding import decode_part

    image = decode_part(parsed[types.IMAGE], parsed[types.IMAGE_SIZE], begin, extent, size)
    segment_map = tf.io.decode_png(parsed[types.SEGMENT_MAP], channels=1, dtype=tf.uint16)
    return image, tf.slice(tf.squeeze(segment_map, -1), begin, extent)


def truth_segments(example: dict[str, np.ndarray]) -> list[types.Segment]:
    """The segments of a decoded example, crowds included, in the order of its lists.

    Args:
      example: what `decode` returned, as NumPy arrays.

    Returns:
      Segments whose `id` is their value in SEGMENT_MAP, 1..n, with area and box.
    """
    class_ids = example[types.SEGMENT_CLASS_IDS]
    areas, boxes = extents(example[types.SEGMENT_MAP], len(class_ids))
    return [
        types.Segment(
            id=i + 1,
            class_id=int(class_ids[i]),
            is_crowd=bool(example[types.SEGMENT_IS_CROWD][i]),
            area=int(areas[i]),
            box=tuple(boxes[i].tolist()),
        )
        for i in range(len(class_ids))
    ]


def _to_png(segment_map: np.ndarray) -> bytes:
    if segment_map.dtype != np.uint16:
        raise TypeError(f"segment_map is {segment_map.dtype}; expected uint16, or ids would wrap.")
    png = io.BytesIO()
    Image.fromarray(segment_map).save(png, "PNG")
    return png.getvalue()


def extents(segment_map: np.ndarray, num_segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Areas `[n]` and half-open boxes `[n, 4]` of segments 1..n; zeros where one has no pixel."""
    height, width = segment_map.shape
    areas = np.bincount(segment_map.ravel(), minlength=num_segments + 1)
    in_row = np.zeros([height, num_segments + 1], np.bool_)
    in_row[np.arange(height)[:, None], segment_map] = True
    in_column = np.zeros([width, num_segments + 1], np.bool_)
    in_column[np.arange(width), segment_map] = True
    boxes = np.stack(
        [
            in_row.argmax(0),
            in_column.argmax(0),
            height - in_row[::-1].argmax(0),
            width - in_column[::-1].argmax(0),
        ],
        axis=-1,
    )
    boxes[areas == 0] = 0
    return areas[1:], boxes[1:]


# ---- The folder ----------------------------------------------------------------------------------


class DatasetFolder:
    """A dataset folder that the builder wrote.

    Attributes:
      path: the folder, local or in a bucket (`gs://...`).
      categories: its class list.
      summary: the content of dataset.json: counts per class and more.
      num_examples: records in all shards together.
      shard_paths: TFRecord files; read one after the other they give the source's order.
    """

    def __init__(self, path: str | Path):
        """Raises `UserError` where `path` is not a complete dataset folder this code can read."""
        self.path = any_path(path)
        self.summary = _read_summary(self.path)
        self.categories = Categories.load(self.path / _CATEGORIES_FILE)
        self.num_examples: int = self.summary["num_examples"]
        self.shard_paths = [self.path / shard["name"] for shard in self.summary["shards"]]
        self._check_categories()
        for path, shard in zip(self.shard_paths, self.summary["shards"], strict=True):
            _check_shard(path, shard["num_bytes"])

    def damaged_shards(self) -> list[Path]:
        """The shards whose content is not what the builder wrote; reads all of them."""
        shards = zip(self.shard_paths, self.summary["shards"], strict=True)
        return [path for path, shard in shards if sha256_of(path) != shard["sha256"]]

    def _check_categories(self) -> None:
        path = self.path / _CATEGORIES_FILE
        if sha256_of(path) != self.summary["categories_sha256"]:
            raise UserError(
                f"{path}: not the class list that the builder wrote; expected the one whose "
                f"SHA-256 {_DATASET_FILE} has. Copy it again, or build again to change classes."
            )


def is_dataset_folder(path: Path) -> bool:
    """Whether the builder wrote the folder, whole or not."""
    return (path / _DATASET_FILE).is_file()


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
    categories.save(folder / _CATEGORIES_FILE)
    summary = {
        "format_version": FORMAT_VERSION,
        "versions": {name: _version(name) for name in _PACKAGES},
        "num_examples": sum(shard["num_examples"] for shard in shards),
        **counts,
        "categories_sha256": sha256_of(folder / _CATEGORIES_FILE),
        "shards": shards,
    }
    write_json(folder / _DATASET_FILE, summary)
    return summary


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_PACKAGES = ("maskconver_tf", "tensorflow", "numpy", "pillow")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _read_summary(folder: Path) -> dict[str, Any]:
    """The content of dataset.json, checked for what a reader needs."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise UserError(f"{folder}: found {found}, expected a dataset folder; {_BUILD_IT}")
    if not is_dataset_folder(folder):
        raise UserError(f"{folder}: not a dataset folder, it has no {_DATASET_FILE}; {_BUILD_IT}")
    path = folder / _DATASET_FILE
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
