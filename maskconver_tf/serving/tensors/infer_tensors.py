"""Converts tensors of the Open Inference Protocol v2, as JSON and as bytes.

Bytes stand behind the JSON part of the body, one tensor after the other. Numbers are little-endian;
each string has its length before it, as uint32 (Open Inference Protocol, "Binary Tensor Data").
"""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import numpy as np

from maskconver_tf.serving.refusals import bad_request
from maskconver_tf.serving.tensors.json_tensors import check_shape, decode_base64
from maskconver_tf.serving.versions.signature_info import STRING, TensorInfo

DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "int32": "INT32",
    "int64": "INT64",
    "float32": "FP32",
    STRING: "BYTES",
}
"""dtype of a signature -> the protocol's name."""
_DTYPES = {name: dtype for dtype, name in DATATYPES.items()}
_LENGTH = struct.Struct("<I")


def array_of(tensor: Any, rest: memoryview, info: TensorInfo) -> tuple[np.ndarray, memoryview]:
    """Reads one input of a request.

    Args:
      tensor: its JSON: `name`, `shape`, `datatype`, and `data` or `parameters.binary_data_size`.
      rest: the bytes that no earlier input took.
      info: what the signature wants.

    Returns:
      The array, and the bytes that are left.

    Raises:
      Refusal: 400, something does not fit.
    """
    name = tensor["name"]
    if tensor.get("datatype") != DATATYPES[info.dtype]:
        raise bad_request(f"Input {name} must have the datatype {DATATYPES[info.dtype]}", "tensors")
    shape = _shape_of(tensor, name)
    parameters = {} if tensor.get("parameters") is None else tensor["parameters"]
    if not isinstance(parameters, dict):
        raise bad_request(f"The parameters of input {name} must be an object", "tensors")
    size = parameters.get("binary_data_size")
    if size is None:
        array = _from_json(tensor.get("data"), name, shape, info, parameters)
    else:
        if type(size) is not int or not 0 <= size <= len(rest):
            raise bad_request(f"Input {name} has a wrong binary_data_size", "tensors")
        array = _from_bytes(rest[:size], name, shape, info)
        rest = rest[size:]
    return check_shape(array, name, info), rest


def _shape_of(tensor: dict[str, Any], name: str) -> list[int]:
    shape = tensor.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) > 8
        or not all(type(side) is int and 0 <= side < 2**31 for side in shape)
    ):
        raise bad_request(f"Input {name} needs a shape, a list of whole numbers", "tensors")
    return shape


def _from_json(
    data: Any, name: str, shape: list[int], info: TensorInfo, parameters: dict[str, Any]
) -> np.ndarray:
    """Reads `data`: nested or flat lists; of strings text, or base64 if `content_type` says so."""
    if not isinstance(data, list):
        raise bad_request(f"Input {name} needs data, a list, or binary_data_size", "tensors")
    if info.dtype == STRING:
        if not all(isinstance(item, str) for item in data):
            raise bad_request(f"Input {name} needs a flat list of strings", "tensors")
        is_base64 = parameters.get("content_type") == "base64"
        convert = decode_base64 if is_base64 else lambda item: item.encode("utf-8", "replace")
        array = np.empty(len(data), object)
        array[:] = [convert(item) for item in data]
    else:
        array = _number_array(data, name, info)
    if array.size != math.prod(shape):
        raise bad_request(f"Input {name} has {array.size} values, but another shape", "tensors")
    return array.reshape(shape)


def _number_array(data: list[Any], name: str, info: TensorInfo) -> np.ndarray:
    dtype = info.numpy_dtype
    kinds = {"b": "b", "f": "iuf"}.get(dtype.kind, "iu")
    try:
        array = np.array(data)
        if array.size and array.dtype.kind not in kinds:
            raise ValueError
        if array.size and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            if array.min() < limits.min or array.max() > limits.max:
                raise ValueError
    except (ValueError, OverflowError):
        expected = DATATYPES[info.dtype]
        raise bad_request(f"Input {name} needs {expected} numbers in its data", "tensors") from None
    return array.astype(dtype)


def _from_bytes(data: memoryview, name: str, shape: list[int], info: TensorInfo) -> np.ndarray:
    count = math.prod(shape)
    wrong = bad_request(f"The bytes of input {name} do not fill its shape", "tensors")
    if info.dtype == STRING:
        strings = _split_strings(data, count)
        if strings is None:
            raise wrong
        array = np.empty(count, object)
        array[:] = strings
        return array.reshape(shape)
    dtype = info.numpy_dtype.newbyteorder("<")
    if len(data) != count * dtype.itemsize:
        raise wrong
    return np.frombuffer(data, dtype).astype(info.numpy_dtype).reshape(shape)


def _split_strings(data: memoryview, count: int) -> list[bytes] | None:
    """Takes strings apart; None if they do not fill `data` exactly."""
    strings, at = [], 0
    while at < len(data) and len(strings) < count:
        if at + _LENGTH.size > len(data):
            return None
        [length] = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            return None
        strings.append(bytes(data[at : at + length]))
        at += length
    return strings if len(strings) == count and at == len(data) else None


# ---- Answers -------------------------------------------------------------------------------------
def tensor_json(name: str, array: np.ndarray, as_bytes: bool) -> tuple[dict[str, Any], bytes]:
    """Returns the JSON of an output and, if `as_bytes`, its bytes.

    Strings that are no text are base64 in JSON, and `parameters.content_type` says so.
    """
    is_string = array.dtype.kind == "O"
    datatype = "BYTES" if is_string else DATATYPES[array.dtype.name]
    found: dict[str, Any] = {"name": name, "shape": list(array.shape), "datatype": datatype}
    if as_bytes:
        content = _to_bytes(array, is_string)
        return found | {"parameters": {"binary_data_size": len(content)}}, content
    if not is_string:
        return found | {"data": array.reshape(-1)}, b""
    strings = [bytes(each) for each in array.ravel()]
    try:
        return found | {"data": [each.decode("utf-8") for each in strings]}, b""
    except UnicodeDecodeError:
        data = [base64.b64encode(each).decode("ascii") for each in strings]
        return found | {"parameters": {"content_type": "base64"}, "data": data}, b""


def _to_bytes(array: np.ndarray, is_string: bool) -> bytes:
    if not is_string:
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    strings = (bytes(each) for each in array.ravel())
    return b"".join(part for each in strings for part in (_LENGTH.pack(len(each)), each))
