"""Reads a PyTorch checkpoint as NumPy arrays, without PyTorch and without running its code.

The reader takes the format that PyTorch wrote before version 1.6, and still writes on request. Such
a file has five pickles: a magic number, a protocol version, facts about the machine, the object,
and the keys of its storages. After them each storage follows, in the order of the keys, as an int64
count and its raw numbers. Tensors in the object are views: a storage's key, an offset, a shape and
strides. Offset, shape and strides count elements.

A pickle can call any function that it names. This reader allows only the few names that a dict of
tensors needs, and none of them runs code. It refuses all other names.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from maskconver_tf.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<?",
}


class _Storage(NamedTuple):
    kind: str
    key: str
    size: int


class _View(NamedTuple):
    """The arguments of `torch._utils._rebuild_tensor_v2` that matter here."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_checkpoint(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the tensors of a saved `state_dict`, by name.

    Raises:
      UserError: the file does not exist, has another format, is cut off, or uses a name that a dict
        of tensors does not need.
    """
    try:
        with open(path, "rb") as file:
            return _read(file)
    except OSError as error:
        raise UserError(
            f"{path}: the weights cannot be read ({error.strerror}); check the path and its "
            "permissions"
        ) from error
    except Exception as error:  # A manipulated pickle can raise any error.
        raise UserError(
            f"{path}: not a state_dict in the format of PyTorch before version 1.6 ({error}); save "
            "it with torch.save(state_dict, FILE, _use_new_zipfile_serialization=False)"
        ) from error


class _BadCheckpoint(Exception):
    """The file is not a checkpoint of this format; the message says why."""


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if file.read(2) == b"PK":
        raise _BadCheckpoint("it is a zip archive, the newer format")
    file.seek(0)
    if _Unpickler(file).load() != _MAGIC or _Unpickler(file).load() != _PROTOCOL:
        raise _BadCheckpoint("it does not start with PyTorch's magic number")
    if not _Unpickler(file).load().get("little_endian"):
        raise _BadCheckpoint("a big-endian machine wrote it")
    unpickler = _Unpickler(file)
    views = unpickler.load()
    if not isinstance(views, dict) or not all(map(_is_view, views.values())):
        raise _BadCheckpoint("it holds something other than named tensors")
    keys = _Unpickler(file).load()
    storages = {key: _read_storage(file, unpickler.storages[key]) for key in keys}
    return {name: _array(view, storages[view.storage.key]) for name, view in views.items()}


def _is_view(value: Any) -> bool:
    return isinstance(value, _View) and isinstance(value.storage, _Storage)


class _Unpickler(pickle.Unpickler):
    """Allows only the names of tensors, of their storages and of the dict around them."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _View(
                storage, offset, shape, strides
            )
        if module == "torch" and name in _DTYPES:
            return name
        raise _BadCheckpoint(f"it uses {module}.{name}, which weights do not need")

    def persistent_load(self, pid: Any) -> _Storage:
        what, kind, key, _, size, *_ = pid
        if what != "storage":
            raise _BadCheckpoint(f"it refers to a {what} instead of a storage")
        return self.storages.setdefault(key, _Storage(kind, key, size))


def _read_storage(file: BinaryIO, storage: _Storage) -> np.ndarray:
    dtype = np.dtype(_DTYPES[storage.kind])
    count = int(np.frombuffer(file.read(8), "<i8", count=1)[0])
    if count != storage.size or count < 0:
        raise _BadCheckpoint(f"a storage of {storage.size} numbers claims to have {count}")
    return np.frombuffer(file.read(count * dtype.itemsize), dtype, count=count)


def _array(view: _View, numbers: np.ndarray) -> np.ndarray:
    """Copies the numbers of a view, which must lie within its storage."""
    last = view.offset + sum((n - 1) * s for n, s in zip(view.shape, view.strides, strict=True))
    is_within = min([view.offset, *view.strides]) >= 0 and last < len(numbers)
    if not is_within or not 0 < math.prod(view.shape) <= len(numbers):
        raise _BadCheckpoint(f"{view} reaches beyond the numbers of its storage")
    strides = [stride * numbers.itemsize for stride in view.strides]
    shown = np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, strides)
    return shown.copy()
