"""Finds how large the pictures of a training were, which gives the scale that its model knows."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.records.codec import from_features
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.tfrecord_file import BrokenRecords, parse_example, read_records
from maskconver_tf.errors import UserError

_NUM_RECORDS = 16
_SETTING = re.compile(r"^(?:\w+\.)*TrainingInput\.data_dir = (.+)$", re.MULTILINE)


def training_window(model: str, input_size: tuple[int, int]) -> tuple[int, int] | None:
    """Returns height and width of the picture that fills the model's input at the training's scale.

    The scale is the median over the first records of the training's dataset: 1 if its pictures have
    the size of the input, 0.5 if a training halves them.

    Args:
      model: a run's folder.
      input_size: (height, width) of the model's input.

    Returns:
      None if the folder names no dataset that is still in its place, as for an export.
    """
    sizes = _picture_sizes(Path(model))
    if not len(sizes):
        return None
    scale = float(np.median(np.min(np.array(input_size) / sizes, axis=1)))
    height, width = (max(1, round(side / scale)) for side in input_size)
    return height, width


def _picture_sizes(run: Path) -> np.ndarray:
    """Height and width of some pictures of the training, `[n, 2]`."""
    none = np.zeros((0, 2))
    data = _training_data(run)
    if data is None or not Path(data).is_dir():
        return none
    try:
        shard = DatasetFolder(data, check_files=False).shard_paths[0]
        with open(shard, "rb") as file:
            records = itertools.islice(read_records(file), _NUM_RECORDS)
            found = [from_features(parse_example(record)) for _, record in records]
    except (UserError, OSError, BrokenRecords, IndexError):
        return none
    return np.array([(each.height, each.width) for each in found], np.float64).reshape(-1, 2)


def _training_data(run: Path) -> str | None:
    """Returns the dataset of a run's configuration, which may stand in a macro."""
    try:
        text = (run / "config.gin").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    match = _SETTING.search(text)
    value = match[1].strip() if match else ""
    if value.startswith("%"):
        match = re.search(rf"^{re.escape(value[1:])} = (.+)$", text, re.MULTILINE)
        value = match[1].strip() if match else ""
    quoted = re.fullmatch(r"'(.*)'|\"(.*)\"", value)
    return (quoted[1] or quoted[2]) if quoted else None
