"""Converts between JSON and tensors as TensorFlow Serving's REST interface does.

Strings are text, or `{"b64": "..."}`. Outputs whose name ends in `_bytes` are written as base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np

from maskconver_tf.serving.refusals import bad_request
from maskconver_tf.serving.versions.signature_info import STRING, SignatureInfo, TensorInfo

_B64 = "b64"
_BYTES_SUFFIX = "_bytes"


def tensors_of_rows(instances: Any, signature: SignatureInfo) -> dict[str, np.ndarray]:
    """Reads the row form: a list with the inputs of each picture.

    An item is an object with every input, or, if the signature takes one input, its value.

    Raises:
      Refusal: 400, for all that does not fit the signature.
    """
    if not isinstance(instances, list) or not instances:
        raise bad_request("'instances' must be a list of one or more items", "tensors")
    first = instances[0]
    if not isinstance(first, dict) or first.keys() == {_B64}:
        return {_only_input(signature): tensor_of(instances, *_named_input(signature))}
    if not all(isinstance(each, dict) and each.keys() == first.keys() for each in instances):
        raise bad_request("All items of 'instances' must have the same inputs", "tensors")
    return _tensors({name: [each[name] for each in instances] for name in first}, signature)


def tensors_of_columns(inputs: Any, signature: SignatureInfo) -> dict[str, np.ndarray]:
    """Reads the column form: each input with the values of all pictures.

    Raises:
      Refusal: 400, for all that does not fit the signature.
    """
    if not isinstance(inputs, dict) or inputs.keys() == {_B64}:
        return {_only_input(signature): tensor_of(inputs, *_named_input(signature))}
    return _tensors(inputs, signature)


def _tensors(values: Mapping[str, Any], signature: SignatureInfo) -> dict[str, np.ndarray]:
    known = signature.inputs
    if set(values) - set(known):
        raise bad_request(f"Unknown input; the signature takes {', '.join(known)}", "tensors")
    if missing := [n for n, info in known.items() if n not in values and info.default is None]:
        raise bad_request(f"Missing input: {', '.join(missing)}", "tensors")
    return {name: tensor_of(value, name, known[name]) for name, value in values.items()}


def _only_input(signature: SignatureInfo) -> str:
    return _named_input(signature)[0]


def _named_input(signature: SignatureInfo) -> tuple[str, TensorInfo]:
    needed = [(name, info) for name, info in signature.inputs.items() if info.default is None]
    if len(needed) != 1:
        names = ", ".join(signature.inputs)
        raise bad_request(f"Name the inputs of this signature: {names}", "tensors")
    return needed[0]


def tensor_of(value: Any, name: str, info: TensorInfo) -> np.ndarray:
    """Converts the JSON of one input.

    Raises:
      Refusal: 400, the values or the shape do not fit `info`.
    """
    array = _strings(value, name) if info.dtype == STRING else _numbers(value, name, info)
    return check_shape(array, name, info)


def check_shape(array: np.ndarray, name: str, info: TensorInfo) -> np.ndarray:
    """Returns the array; raises `Refusal` if its shape does not fit."""
    shape = info.shape
    if shape is None:
        return array
    fits = len(shape) == array.ndim and all(
        side in (-1, found) for side, found in zip(shape, array.shape)
    )
    if not fits:
        found, expected = list(array.shape), [None if side < 0 else side for side in shape]
        raise bad_request(
            f"Input {name} has the shape {found}; expected {expected} with any size for None",
            "tensors",
        )
    return array


def _strings(value: Any, name: str) -> np.ndarray:
    """Converts nested lists of text and `{"b64": ...}` to an array of bytes objects."""

    def convert(item: Any) -> Any:
        if isinstance(item, list):
            return [convert(each) for each in item]
        if isinstance(item, str):
            return item.encode("utf-8", "surrogatepass")
        if isinstance(item, dict) and item.keys() == {_B64} and isinstance(item[_B64], str):
            return decode_base64(item[_B64])
        raise bad_request(f'Input {name} needs text or {{"b64": "..."}}', "tensors")

    converted = convert(value)
    if not isinstance(converted, list):
        return np.array(converted, object)
    if any(isinstance(each, list) for each in converted):
        raise bad_request(f"Input {name} needs a flat list of strings", "tensors")
    array = np.empty(len(converted), object)
    array[:] = converted
    return array


def decode_base64(text: str) -> bytes:
    """Decodes standard base64; raises `Refusal` for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("Unable to base64 decode", "base64") from None


def _numbers(value: Any, name: str, info: TensorInfo) -> np.ndarray:
    wrong = bad_request(
        f"Input {name} needs {info.dtype} numbers in lists of equal length", "tensors"
    )
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        raise wrong from None
    dtype = info.numpy_dtype
    if array.size == 0:
        return array.astype(dtype)
    allowed = {"b": "b", "f": "iuf"}.get(dtype.kind, "iu")
    if array.dtype.kind not in allowed:
        raise wrong
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise bad_request(
                f"Input {name} needs numbers from {limits.min} to {limits.max}", "tensors"
            )
    return array.astype(dtype)


# ---- Answers -------------------------------------------------------------------------------------
def rows_json(outputs: Mapping[str, np.ndarray], count: int) -> list[Any]:
    """The row form of an answer: one object for each picture, or its value for a single output.

    Raises:
      Refusal: 400, the outputs have no common batch axis.
    """
    for name, value in outputs.items():
        if value.ndim == 0 or len(value) != count:
            raise bad_request(
                f"Output {name} has no row for each item; use 'inputs' in place of 'instances'",
                "tensors",
            )
    columns = {name: json_ready(name, value) for name, value in outputs.items()}
    if len(columns) == 1:
        [only] = columns.values()
        return list(only)
    return [{name: values[i] for name, values in columns.items()} for i in range(count)]


def columns_json(outputs: Mapping[str, np.ndarray]) -> Any:
    """The column form of an answer: an object of outputs, or the value of a single output."""
    columns = {name: json_ready(name, value) for name, value in outputs.items()}
    return next(iter(columns.values())) if len(columns) == 1 else columns


def json_ready(name: str, value: np.ndarray) -> Any:
    """Numbers stay arrays for `write_json`; strings become text or base64 objects."""
    if value.dtype.kind not in "OS":
        return value
    if value.ndim:
        return [json_ready(name, np.asarray(each, object)) for each in value]
    content = bytes(value.item())
    if name.endswith(_BYTES_SUFFIX):
        return {_B64: base64.b64encode(content).decode("ascii")}
    return content.decode("utf-8", "replace")
