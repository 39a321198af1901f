"""Labelled pictures that TFDS has prepared."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.input.labelled.class_folders import OTHER_NAME
from maskconver_tf.input.reading import ShardReader

TFDS_PREFIX = "tfds:"


class TfdsPictures:
    """A prepared TFDS dataset with the features of `imagenet2012`, read as TFDS wrote it.

    Attributes:
      categories: the class list.
      num_examples: pictures.
      shard_paths: TFRecord files.
      summary: how many examples each has, as a `DatasetFolder` says it.
    """

    def __init__(self, dataset: str, split: str):
        builder = _prepared(dataset)
        if split not in builder.info.splits:
            split = OTHER_NAME.get(split, split)
        if split not in builder.info.splits:
            known = ", ".join(builder.info.splits)
            raise UserError(f"{TFDS_PREFIX}{dataset} has no split '{split}', but {known}; name one")
        self._features = builder.info.features
        info = builder.info.splits[split]
        self.where = self.path = f"{TFDS_PREFIX}{dataset} {split}"
        self.categories = Categories.numbered(self._features["label"].names)
        self.num_examples = info.num_examples
        self.shard_paths = info.filepaths
        self.manifest = {"shards": [{"num_examples": count} for count in info.shard_lengths]}

    def reader(self, num_readers: int = 1, host: int = 0, hosts: int = 1) -> ShardReader:
        return ShardReader(self, num_readers, host, hosts)

    def parse(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """A record to `IMAGE` (encoded), `CLASS_ID` and `FILE_NAME`."""
        import tensorflow_datasets as tfds

        decoders = {"image": tfds.decode.SkipDecoding()}
        example = self._features.deserialize_example(serialized, decoders=decoders)
        return {
            types.IMAGE: example["image"],
            types.CLASS_ID: tf.cast(example["label"], tf.int32),
            types.FILE_NAME: example.get("file_name", tf.constant("")),
        }


def _prepared(dataset: str) -> Any:
    """The builder of a prepared TFDS dataset of labelled pictures in TFRecords."""
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(dataset)
    except tfds.core.DatasetNotFoundError:
        raise UserError(
            f"{TFDS_PREFIX}{dataset}: TFDS does not know it; expected a name such as imagenet2012, "
            "and TFDS_DATA_DIR where it keeps its datasets"
        ) from None
    features = builder.info.features
    if not {"image", "label"} <= set(features) or not hasattr(features["label"], "names"):
        raise UserError(
            f"{TFDS_PREFIX}{dataset}: found the features {', '.join(features)}; "
            "expected image and label, as imagenet2012 has them"
        )
    if not builder.info.splits:
        raise UserError(
            f"{builder.data_dir}: {dataset} is not prepared there; prepare it with `tfds build "
            f"{dataset}` (ImageNet's archives must be fetched by hand), or set TFDS_DATA_DIR"
        )
    if (found := builder.info.file_format.value) != "tfrecord":
        raise UserError(
            f"{builder.data_dir}: prepared as {found}; prepare it with --file_format=tfrecord"
        )
    return builder
