"""Reads the curves of a training from its event files, without TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.records.tfrecord_file import BrokenRecords, read_records

_MOST_POINTS = 400
"""Most points of a curve on the page."""
_DTYPES = {1: np.float32, 2: np.float64, 3: np.int32, 9: np.int64}
"""Number of a type in TensorFlow's types.proto -> the type."""


def read_curves(summaries: Path) -> dict[str, dict[str, list[float]]]:
    """Reads all scalars of a run.

    A run that was resumed may have logged a step twice; the later value counts.

    Args:
      summaries: folder of the event files. A sub-folder is a group, such as "all".

    Returns:
      name, such as "loss" or "all/pq" -> `steps` and `values`, in the order of the steps.
    """
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for path in sorted(summaries.glob("**/*tfevents*")):
        group = path.parent.relative_to(summaries).as_posix()
        for name, step, time, value in _scalars(path):
            full = name if group == "." else f"{group}/{name}"
            points = found.setdefault(full, {})
            if step not in points or points[step][0] <= time:
                points[step] = (time, value)
    return {name: _curve(points) for name, points in sorted(found.items())}


def _curve(points: dict[int, tuple[float, float]]) -> dict[str, list[float]]:
    """Keeps the last point, and of the others at most every n-th."""
    steps = sorted(points)
    stride = math.ceil(len(steps) / _MOST_POINTS)
    kept = steps[::-1][::stride][::-1]
    return {"steps": kept, "values": [points[step][1] for step in kept]}


def _scalars(path: Path) -> Iterator[tuple[str, int, float, float]]:
    """Yields name, step, time and value of each scalar. A file may break off: the run may write."""
    # TensorBoard's classes of the messages do not need TensorFlow.
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        with path.open("rb") as file:
            for _, content in read_records(file):
                event = Event.FromString(content)
                for value in event.summary.value:
                    number = _number(value)
                    if number is not None and math.isfinite(number):
                        yield value.tag, event.step, event.wall_time, number
    except BrokenRecords:
        return


def _number(value: Any) -> float | None:
    """Returns the value of a scalar; None for a picture, a text or a histogram."""
    if value.WhichOneof("value") == "simple_value":
        return value.simple_value
    tensor = value.tensor
    if tensor.tensor_shape.dim or tensor.dtype not in _DTYPES:
        return None
    if tensor.tensor_content:
        return float(np.frombuffer(tensor.tensor_content, _DTYPES[tensor.dtype])[0])
    listed = [*tensor.float_val, *tensor.double_val, *tensor.int_val, *tensor.int64_val]
    return float(listed[0]) if listed else None
