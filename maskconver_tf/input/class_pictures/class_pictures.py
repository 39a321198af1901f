"""Opens pictures with one class each, and names a picture that cannot be decoded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records.reading import parallel_calls
from maskconver_tf.errors import UserError
from maskconver_tf.files.graph_decoding.plain_files import decode_picture
from maskconver_tf.input.class_pictures.class_folders import ClassFolders
from maskconver_tf.input.class_pictures.tfds_pictures import TFDS_PREFIX, TfdsPictures

ClassPictures = ClassFolders | TfdsPictures


def open_class_pictures(data_dir: str, split: str) -> ClassPictures:
    """Opens a dataset of pictures with one class each.

    Args:
      data_dir: a folder with SPLIT/CLASS/*.JPEG, local or in a bucket; or `tfds:NAME`, a dataset
        that TFDS has prepared. If the variable TFDS_DATA_DIR is set, TFDS looks in that folder.
      split: "train", "val" or another. "val" and "validation" mean the same.

    Raises:
      UserError: the dataset does not exist or has another layout.
    """
    if data_dir.startswith(TFDS_PREFIX):
        return TfdsPictures(data_dir.removeprefix(TFDS_PREFIX), split)
    return ClassFolders(data_dir, split)


@contextlib.contextmanager
def explain_unreadable_pictures(pictures: ClassPictures) -> Iterator[None]:
    """Names the picture if the code in this context fails because it cannot decode one.

    Raises:
      UserError: a picture cannot be decoded. It replaces TensorFlow's error, which names no file.
    """
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        # Such errors may come from the model too. Then a search would find nothing.
        if "IteratorGetNext" not in str(error) or (name := _first_unreadable(pictures)) is None:
            raise
        raise UserError(
            f"{name}: cannot be decoded; remove it, or restore it from a copy"
        ) from error


def _first_unreadable(pictures: ClassPictures) -> str | None:
    """Decodes all pictures in order; returns where the first one is that fails, or None."""
    names = pictures.reader().examples().map(lambda one: pictures.parse(one)[types.FILE_NAME])
    decoded = (
        pictures.reader()
        .examples()
        .map(
            lambda one: tf.shape(decode_picture(pictures.parse(one)[types.IMAGE])),
            num_parallel_calls=parallel_calls(),
        )
    )
    checked = iter(decoded)
    for position, name in enumerate(names):
        try:
            next(checked)
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError):
            return f"{pictures.where}: picture {position} (counted from 0), {name.numpy().decode()}"
    return None
