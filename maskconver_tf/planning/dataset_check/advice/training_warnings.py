"""Warns before a training where its dataset and its settings do not fit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from maskconver_tf.datasets.records.codec import PanopticRecord, from_features
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.tfrecord_file import BrokenRecords, parse_example, read_records
from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_check.advice.settings_advice import (
    SettingsAdvice,
    TrainingView,
)

_NUM_SHARDS = 4
_RECORDS_OF_SHARD = 16


class RecordMeasures(NamedTuple):
    """The measures of a record that the advice reads, see `PictureMeasures`."""

    name: str
    size: tuple[int, int]
    class_ids: np.ndarray
    is_crowd: np.ndarray
    areas: np.ndarray


def training_warnings(
    data_dir: str,
    eval_size: tuple[int, int],
    num_slots: int,
    mask_stride: int,
    view: TrainingView,
) -> list[str]:
    """Returns a sentence for each thing that does not fit, from a few records of the dataset.

    It reads up to 16 records of up to 4 shards. Without a readable dataset it returns nothing: the
    training itself tells what is wrong.

    Args:
      data_dir: the dataset to train on.
      eval_size: (height, width) of the evaluation's input.
      num_slots, mask_stride: see `SettingsAdvice`.
      view: what the training sees.
    """
    try:
        folder = DatasetFolder(data_dir, check_files=False)
        is_thing = np.asarray(folder.categories.is_thing)
        advice = SettingsAdvice(is_thing, [eval_size], num_slots, mask_stride, view)
        for record in _some_records(folder):
            advice.add(_measures(record))
    except (UserError, OSError, BrokenRecords):
        return []
    return advice.warnings()


def _some_records(folder: DatasetFolder) -> Iterator[PanopticRecord]:
    """The first records of evenly spread shards."""
    shards = folder.shard_paths
    step = max(1, len(shards) // _NUM_SHARDS)
    for shard in shards[::step][:_NUM_SHARDS]:
        with shard.open("rb") as file:
            for _, content in itertools.islice(read_records(file), _RECORDS_OF_SHARD):
                yield from_features(parse_example(content))


def _measures(record: PanopticRecord) -> RecordMeasures:
    classes = record.segment_class_ids
    areas = np.bincount(record.segment_map.ravel(), minlength=len(classes) + 1)
    size = record.height, record.width
    return RecordMeasures(record.file_name, size, classes, record.segment_is_crowd, areas)
