"""Gives dead channels and dead results a scale that int8 can hold.

ImageNet weights have channels whose filters are 0 or nearly 0, because a norm's scale has died. In
int8 each channel has its own scale, its largest weight / 127. The bias is counted in units of this
scale, so a tiny one overflows 32 bits. A result that is 0 in all pictures, as behind dead ReLUs,
has a tiny scale, too. Then LiteRT does not load the file, or computes something else.

Small results that are not 0 keep their range, since LiteRT refuses an addition whose inputs and
result have very different scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
_LEAST_SHARE = 1e-4
"""Largest weight of a channel as a share of that of the whole tensor. The outputs change by far
less than a step of 8 bits."""
_RANGE_OF_DEAD = 1.0


def revive_dead_channels(model: bytes) -> bytes:
    """Raises one weight of each dead channel of the convolutions and dense layers.

    Args:
      model: a float32 LiteRT file.

    Returns:
      The same file, if no channel is dead.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    found = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    has_changed = False
    for graph in found.subgraphs:
        for operation in graph.operators:
            name = names[found.operatorCodes[operation.opcodeIndex].builtinCode]
            if name not in _CHANNEL_AXIS:
                continue
            tensor = graph.tensors[operation.inputs[1]]
            buffer = found.buffers[tensor.buffer]
            if buffer.data is None or tensor.type != schema.TensorType.FLOAT32:
                continue
            weights = np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape)
            revived = _revived(weights, _CHANNEL_AXIS[name])
            if revived is not weights:
                buffer.data = np.frombuffer(revived.tobytes(), np.uint8)
                has_changed = True
    return bytes(flatbuffer_utils.convert_object_to_bytearray(found)) if has_changed else model


def widen_dead_ranges(ranges: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Widens the range of each result that is always 0; other ranges stay as they are.

    Args:
      ranges: name of a tensor -> "min" and "max", as the calibration finds them.
    """
    return {name: _widened(dict(found)) for name, found in ranges.items()}


def _widened(found: dict[str, Any]) -> dict[str, Any]:
    if not np.any(found["max"]) and not np.any(found["min"]):
        found["max"] = found["max"] + np.float32(_RANGE_OF_DEAD)
    return found


def _revived(weights: np.ndarray, axis: int) -> np.ndarray:
    """The weights with the least share in the first weight of each dead channel."""
    channels = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
    largest = np.abs(channels).max(axis=1)
    least = np.float32(_LEAST_SHARE) * largest.max()
    dead = largest < least
    if not dead.any():
        return weights
    result = np.moveaxis(weights.copy(), axis, 0)
    result[(dead, *(0,) * (weights.ndim - 1))] = least
    return np.ascontiguousarray(np.moveaxis(result, 0, axis))
