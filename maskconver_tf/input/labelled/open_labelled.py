"""Opens labelled pictures of either kind, and names one that cannot be decoded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.files.graph_decoding import decode_picture
from maskconver_tf.input.labelled.class_folders import ClassFolders
from maskconver_tf.input.labelled.tfds_pictures import TFDS_PREFIX, TfdsPictures

LabelledPictures = ClassFolders | TfdsPictures


def open_labelled(data_dir: str, split: str) -> LabelledPictures:
    """Opens a dataset of labelled pictures.

    Args:
      data_dir: a folder that holds SPLIT/CLASS/*.JPEG, local or in a bucket; or `tfds:NAME`, a
        dataset that TFDS has prepared, in the folder of the variable TFDS_DATA_DIR where that is
        set.
      split: "train" or another; "val" and "validation" are one.

    Raises:
      UserError: it is not there, or holds something else.
    """
    if data_dir.startswith(TFDS_PREFIX):
        return TfdsPictures(data_dir.removeprefix(TFDS_PREFIX), split)
    return ClassFolders(data_dir, split)


@contextlib.contextmanager
def unreadable_pictures_named(pictures: LabelledPictures) -> Iterator[None]:
    """Around whatever reads them: one that cannot be decoded becomes one message.

    Raises:
      UserError: names the picture, in place of TensorFlow's error.
    """
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        # Others of these kinds come from the model, where a search would find nothing.
        if "IteratorGetNext" not in str(error) or (name := _first_unreadable(pictures)) is None:
            raise
        raise UserError(
            f"{name}: cannot be decoded; remove it, or bring it back from a copy"
        ) from error


def _first_unreadable(pictures: LabelledPictures) -> str | None:
    """Decodes everything in order until something fails."""
    names = pictures.reader().examples().map(lambda one: pictures.parse(one)[types.FILE_NAME])
    decoded = (
        pictures.reader()
        .examples()
        .map(
            lambda one: tf.shape(decode_picture(pictures.parse(one)[types.IMAGE])),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    )
    checked = iter(decoded)
    for position, name in enumerate(names):
        try:
            next(checked)
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError):
            return f"{pictures.where}: picture {position} (counted from 0), {name.numpy().decode()}"
    return None
