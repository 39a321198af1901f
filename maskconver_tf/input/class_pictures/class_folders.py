"""Reads pictures from a folder per class."""

from __future__ import annotations

import dataclasses
import itertools

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.reading import without_autotuning
from maskconver_tf.errors import UserError

EXPECTED_LAYOUT = "DIR/train/CLASS/*.JPEG and DIR/val/CLASS/*.JPEG, or tfds:NAME"
OTHER_SPLIT_NAME = {"val": "validation", "validation": "val"}
"""Another name of the same split."""

_SUFFIXES = (".jpeg", ".jpg", ".png")


class ClassFolders:
    """Pictures in `data_dir/split/CLASS/`. Classes are in the order of their folders' names.

    The first picture of each class comes first, then the second of each, and so on. The first N
    pictures therefore have all classes, and neighbors have different classes.

    Attributes:
      where: folder of the split.
      categories: the class list.
      lines: class id and path of each picture.
      num_examples: number of pictures.
    """

    def __init__(self, data_dir: str, split: str):
        root = _split_folder(data_dir, split)
        names = [name for name in _listed(root) if tf.io.gfile.isdir(f"{root}/{name}")]
        self.where = root
        self.categories = Categories.from_names(names)
        by_class = [
            [f"{class_id} {root}/{name}/{file}" for file in _pictures(f"{root}/{name}")]
            for class_id, name in enumerate(names)
        ]
        rounds = itertools.zip_longest(*by_class)
        self.lines = [line for one_of_each in rounds for line in one_of_each if line]
        self.num_examples = len(self.lines)
        if not self.lines:
            raise UserError(
                f"{root}: found no picture in its class folders; expected {EXPECTED_LAYOUT}. "
                "Check the path"
            )

    def reader(self, num_readers: int = 1, host: int = 0, hosts: int = 1) -> LineReader:
        """Returns a reader. `num_readers` has no effect: each file is read when it is decoded."""
        return LineReader(self.lines[host::hosts])

    def parse(self, line: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reads the file of a line; returns `IMAGE` (encoded), `CLASS_ID` and `FILE_NAME`."""
        parts = tf.ensure_shape(tf.strings.split(line, " ", maxsplit=1), [2])
        return {
            types.IMAGE: tf.io.read_file(parts[1]),
            types.CLASS_ID: tf.strings.to_number(parts[0], tf.int32),
            types.FILE_NAME: parts[1],
        }


@dataclasses.dataclass(frozen=True)
class LineReader:
    """Reads lines as a `ShardReader` reads records, in order or all of them shuffled."""

    lines: list[str]

    @property
    def num_examples(self) -> int:
        return len(self.lines)

    def examples(self, shuffle_seed: tf.Tensor | None = None) -> tf.data.Dataset:
        lines = without_autotuning(tf.data.Dataset.from_tensor_slices(self.lines))
        if shuffle_seed is None:
            return lines
        return lines.shuffle(len(self.lines), shuffle_seed, reshuffle_each_iteration=False)


def _split_folder(data_dir: str, split: str) -> str:
    root = data_dir.rstrip("/")
    names = [name for name in (split, OTHER_SPLIT_NAME.get(split)) if name]
    for name in names:
        if tf.io.gfile.isdir(f"{root}/{name}"):
            return f"{root}/{name}"
    found = "nothing" if not tf.io.gfile.exists(root) else f"no folder {' or '.join(names)}"
    raise UserError(f"{data_dir}: found {found} there; expected {EXPECTED_LAYOUT}. Check the path")


def _listed(folder: str) -> list[str]:
    return sorted(name.rstrip("/") for name in tf.io.gfile.listdir(folder))


def _pictures(folder: str) -> list[str]:
    return [name for name in _listed(folder) if name.lower().endswith(_SUFFIXES)]
