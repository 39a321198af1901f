"""Reads pictures with one class each that TFDS has prepared."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.input.class_pictures.class_folders import OTHER_SPLIT_NAME
from maskconver_tf.input.shard_reader import ShardReader

TFDS_PREFIX = "tfds:"


class TfdsPictures:
    """A prepared TFDS dataset with the features of `imagenet2012`, read in TFDS's own order.

    Attributes:
      categories: the class list.
      num_examples: number of pictures.
      shard_paths: TFRecord files.
      manifest: number of examples in each shard, in the form of `DatasetFolder.manifest`.
    """

    def __init__(self, dataset: str, split: str):
        builder = _prepared(dataset)
        if split not in builder.info.splits:
            split = OTHER_SPLIT_NAME.get(split, split)
        if split not in builder.info.splits:
            known = list(builder.info.splits)
            raise UserError(
                f"{TFDS_PREFIX}{dataset}: found no split '{split}'; expected one of "
                f"{', '.join(known)}{suggest_name(split, known) or '; name one of them'}"
            )
        self._features = builder.info.features
        info = builder.info.splits[split]
        self.where = self.path = f"{TFDS_PREFIX}{dataset} {split}"
        self.categories = Categories.from_names(self._features["label"].names)
        self.num_examples = info.num_examples
        self.shard_paths = info.filepaths
        self.manifest = {"shards": [{"num_examples": count} for count in info.shard_lengths]}

    def reader(self, num_readers: int = 1, host: int = 0, hosts: int = 1) -> ShardReader:
        return ShardReader(self, num_readers, host, hosts)

    def parse(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """Parses a record; returns `IMAGE` (encoded), `CLASS_ID` and `FILE_NAME`."""
        import tensorflow_datasets as tfds

        decoders = {"image": tfds.decode.SkipDecoding()}
        example = self._features.deserialize_example(serialized, decoders=decoders)
        return {
            types.IMAGE: example["image"],
            types.CLASS_ID: tf.cast(example["label"], tf.int32),
            types.FILE_NAME: example.get("file_name", tf.constant("")),
        }


def _prepared(dataset: str) -> Any:
    """Returns the builder of a prepared TFDS dataset of pictures with labels, in TFRecords."""
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(dataset)
    except tfds.core.DatasetNotFoundError:
        raise UserError(
            f"{TFDS_PREFIX}{dataset}: TFDS does not know this dataset; expected a name such as "
            "imagenet2012. Correct the name, or set TFDS_DATA_DIR to the folder of the prepared "
            "datasets"
        ) from None
    features = builder.info.features
    if not {"image", "label"} <= set(features) or not hasattr(features["label"], "names"):
        raise UserError(
            f"{TFDS_PREFIX}{dataset}: found the features {', '.join(features)}; "
            "expected image and label, as in imagenet2012. Choose a dataset with one class per "
            "picture"
        )
    if not builder.info.splits:
        raise UserError(
            f"{builder.data_dir}: found no prepared {dataset}; prepare it with `tfds build "
            f"{dataset}` (download ImageNet's archives by hand first), or set TFDS_DATA_DIR"
        )
    if (found := builder.info.file_format.value) != "tfrecord":
        raise UserError(
            f"{builder.data_dir}: found files of format {found}, expected tfrecord; prepare the "
            "dataset with --file_format=tfrecord"
        )
    return builder
