"""Parses and writes JSON without holding the interpreter for long."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from maskconver_tf.serving.refusals import Refusal, bad_request

_PIECE = 8192
"""Numbers that are written at once. Between two pieces other threads can run."""


def parse_object(body: bytes, max_numbers: int) -> dict[str, Any]:
    """Parses a JSON object.

    Raises:
      Refusal: 400 if the text is no JSON object, 413 if it has more than `max_numbers` values.
    """
    # Each value but the first of a list or object has a comma before it.
    if body.count(b",") + body.count(b"[") > max_numbers:
        raise Refusal(
            413,
            f"The JSON has more than {max_numbers} values; send files as base64 or as bytes",
            "numbers",
        )
    try:
        found = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise bad_request("JSON Parse error: nested too deeply", "json") from None
    except (ValueError, MemoryError):
        raise bad_request("JSON Parse error: the body is no JSON text", "json") from None
    if not isinstance(found, dict):
        raise bad_request("JSON Parse error: the body must be an object", "json")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def check_size(arrays: dict[str, np.ndarray], max_numbers: int) -> None:
    """Raises `Refusal` if an answer is too long for JSON."""
    if sum(value.size for value in arrays.values()) > max_numbers:
        raise Refusal(
            413,
            f"The answer has more than {max_numbers} numbers, too many for JSON; use the binary "
            "tensors of /v2 or ask for fewer outputs",
            "numbers",
        )


def write_json(value: Any) -> str:
    """Writes a value in which arrays may stand for lists; floats that JSON lacks become null."""
    if isinstance(value, np.ndarray | np.generic):
        return _write_array(np.asarray(value))
    if isinstance(value, dict):
        parts = (f"{json.dumps(key)}: {write_json(each)}" for key, each in value.items())
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_json, value)) + "]"
    return json.dumps(value)


def _write_array(array: np.ndarray) -> str:
    if array.ndim > 1 and array.size > _PIECE:
        return "[" + ", ".join(map(_write_array, array)) + "]"
    if array.ndim == 1 and array.size > _PIECE:
        pieces = (array[i : i + _PIECE] for i in range(0, len(array), _PIECE))
        return "[" + ", ".join(_write_array(piece)[1:-1] for piece in pieces) + "]"
    if array.dtype.kind == "f":
        array = np.where(np.isfinite(array), shortest(array), None)
    return json.dumps(array.tolist())


def shortest(array: np.ndarray) -> np.ndarray:
    """float64 values whose text is the shortest that gives the same float32 again."""
    if array.dtype != np.float32:
        return array.astype(np.float64)
    return np.array([float(text) for text in map(str, array.ravel())]).reshape(array.shape)
