"""Finds how large the pictures of a training were, which gives the scale that its model knows."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.records.codec import from_features
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.tfrecord_file import BrokenRecords, parse_example, read_records
from maskconver_tf.errors import UserError
from maskconver_tf.inference import signatures
from maskconver_tf.inference.export_versions import newest_version

PICTURE_SIZES = "picture_sizes"
"""Key of the sizes in `run.json`."""
_RUN_FILE = "run.json"
_NUM_RECORDS = 16
_SETTING = re.compile(r"^(?:\w+\.)*TrainingInput\.data_dir = (.+)$", re.MULTILINE)


def training_window(model: str, input_size: tuple[int, int]) -> tuple[int, int] | None:
    """Returns height and width of the picture that fills the model's input at the training's scale.

    The scale is the median over the first pictures of the training: 1 if they have the size of the
    input, 0.5 if a training halves them. A run and an export keep the sizes of these pictures. For
    a run of an earlier version they come from the dataset of its training.

    Args:
      model: folder of a run or an export.
      input_size: (height, width) of the model's input.

    Returns:
      None if the folder keeps no sizes and names no dataset that is still in its place.
    """
    folder = Path(model)
    sizes = _kept_sizes(folder) or picture_sizes(_training_data(folder))
    if not sizes:
        return None
    scale = float(np.median(np.min(np.array(input_size) / np.array(sizes, np.float64), axis=1)))
    height, width = (max(1, round(side / scale)) for side in input_size)
    return height, width


def picture_sizes(data: str | Path | None) -> list[tuple[int, int]]:
    """Returns height and width of the first pictures of a dataset; none if it cannot be read."""
    if data is None or not Path(data).is_dir():
        return []
    try:
        shard = DatasetFolder(data, check_files=False).shard_paths[0]
        with open(shard, "rb") as file:
            records = itertools.islice(read_records(file), _NUM_RECORDS)
            found = [from_features(parse_example(record)) for _, record in records]
    except (UserError, OSError, BrokenRecords, IndexError):
        return []
    return [(each.height, each.width) for each in found]


def _kept_sizes(folder: Path) -> list[tuple[int, int]]:
    """Reads the sizes that a run keeps in `run.json`, and an export in its `provenance.json`."""
    found = _json_of(folder / _RUN_FILE)
    if (version := newest_version(folder)) is not None:
        found = _json_of(version / "assets" / signatures.PROVENANCE_ASSET).get("training")
    sizes = found.get(PICTURE_SIZES) if isinstance(found, dict) else None
    try:
        return [(height, width) for height, width in sizes or [] if min(height, width) > 0]
    except (TypeError, ValueError):
        return []


def _training_data(run: Path) -> Path | None:
    """Returns the dataset of a run's configuration, which may stand in a macro.

    Its path may start at the folder in which the training was started.
    """
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
    if not quoted:
        return None
    data = Path(quoted[1] or quoted[2])
    started_in = _json_of(run / _RUN_FILE).get("folder")
    if data.is_dir() or not isinstance(started_in, str):
        return data
    return Path(started_in) / data


def _json_of(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
