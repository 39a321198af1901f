"""Writes the requests with which TensorFlow Serving warms a model up, and batching parameters.

Without warm-up requests the first clients wait while TensorFlow prepares the graph. The file has
`PredictionLog` records in a TFRecord file (TensorFlow Serving, "SavedModel Warmup"). This module
writes the messages field by field: their classes are in the package `tensorflow-serving-api`, which
nothing else here needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from maskconver_tf.inference import signatures

EXTRA_FOLDER = "assets.extra"
REQUESTS_FILE = "tf_serving_warmup_requests"
BATCHING_FILE = "batching_parameters.txt"

_MODEL_NAME = "maskconver"
_PREDICT_LOG, _REQUEST = 6, 1
_MODEL_SPEC, _INPUTS = 1, 2
_NAME, _SIGNATURE_NAME = 1, 3
_KEY, _VALUE = 1, 2


def write_warmup(version: Path, requests: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Writes a request to `serving_default` for each item: input name -> value."""
    folder = version / EXTRA_FOLDER
    folder.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / REQUESTS_FILE)) as writer:
        for inputs in requests:
            writer.write(prediction_log(inputs))


def write_batching_parameters(version: Path, batch_sizes: Sequence[int]) -> None:
    """Writes the file for `--batching_parameters_file`: the batch sizes that were asked for."""
    folder = version / EXTRA_FOLDER
    folder.mkdir(exist_ok=True)
    sizes = sorted(set(batch_sizes))
    lines = [
        f"max_batch_size {{ value: {sizes[-1]} }}",
        "batch_timeout_micros { value: 5000 }",
        "max_enqueued_batches { value: 100 }",
        "num_batch_threads { value: 2 }",
        *(f"allowed_batch_sizes: {size}" for size in sizes),
    ]
    (folder / BATCHING_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def prediction_log(inputs: Mapping[str, np.ndarray]) -> bytes:
    """Encodes a `PredictionLog` with a request to `serving_default`."""
    spec = _field(_NAME, _MODEL_NAME.encode())
    spec += _field(_SIGNATURE_NAME, signatures.SERVING_DEFAULT.encode())
    request = _field(_MODEL_SPEC, spec)
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(_INPUTS, _field(_KEY, name.encode()) + _field(_VALUE, tensor))
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def example_picture(size: tuple[int, int]) -> np.ndarray:
    """A picture of (height, width) with soft colors, uint8 `[height, width, 3]`."""
    rows, columns = np.meshgrid(*(np.linspace(0, 3, side) for side in size), indexing="ij")
    waves = [np.sin(rows * (i + 2) + columns * (3 - i)) for i in range(3)]
    return (127.5 + 127.5 * np.stack(waves, -1)).astype(np.uint8)


def _field(number: int, content: bytes) -> bytes:
    """Encodes a field of bytes: tag, length, content (Protocol Buffers, "Encoding")."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
