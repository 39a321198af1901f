"""The reader against files written here byte by byte, as PyTorch wrote them before 1.6."""

import collections
import os
import pickle
import struct
import types

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.torch_checkpoint import read_torch_checkpoint

MAGIC = 0x1950A86A20F9469CFC6C


class Stored:
    """Pickled by name as a storage of the file."""

    def __init__(self, kind: type, key: str, size: int):
        self.id = ("storage", kind, key, "cpu", size, None)


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.id if isinstance(value, Stored) else None


class Tensor:
    """Pickled as PyTorch does: a call that rebuilds a view of a storage."""

    def __init__(self, storage: Stored, offset: int, shape: tuple, strides: tuple):
        self.arguments = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        import torch._utils

        return torch._utils._rebuild_tensor_v2, self.arguments


@pytest.fixture
def torch(monkeypatch):
    """Modules with the names that PyTorch's pickles use."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "QuantizedStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch", "__qualname__": name}))

    def _rebuild_tensor_v2(*args):
        raise AssertionError("only its name is ever used")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2, torch._utils = _rebuild_tensor_v2, utils
    monkeypatch.setitem(__import__("sys").modules, "torch", torch)
    monkeypatch.setitem(__import__("sys").modules, "torch._utils", utils)
    return torch


@pytest.fixture
def write(tmp_path):
    """`write(state_dict, storages)` -> path; storages are key -> (struct format, numbers)."""

    def write(content, storages=(), magic=MAGIC):
        path = tmp_path / "weights.pth"
        with open(path, "wb") as file:
            for value in (magic, 1001, {"protocol_version": 1001, "little_endian": True}):
                pickle.dump(value, file, protocol=2)
            Pickler(file, protocol=2).dump(content)
            pickle.dump(list(storages), file, protocol=2)
            for kind, numbers in dict(storages).values():
                file.write(struct.pack("<q", len(numbers)))
                file.write(struct.pack(f"<{len(numbers)}{kind}", *numbers))
        return path

    return write


@pytest.fixture
def small(torch, write):
    """A matrix stored by columns, a part of the same storage, and a count."""
    floats = Stored(torch.FloatStorage, "77", 6)
    content = collections.OrderedDict(
        matrix=Tensor(floats, 0, (2, 3), (1, 2)),
        part=Tensor(floats, 4, (2,), (1,)),
        count=Tensor(Stored(torch.LongStorage, "5", 1), 0, (), ()),
    )
    content._metadata = {"version": 1}  # As a `state_dict` has it.
    return write(content, {"5": ("q", [9]), "77": ("f", [1, 2, 3, 4, 5, 6])})


def test_reads_views_of_shared_storages(small):
    found = read_torch_checkpoint(small)
    assert list(found) == ["matrix", "part", "count"]
    np.testing.assert_array_equal(found["matrix"], [[1, 3, 5], [2, 4, 6]])
    np.testing.assert_array_equal(found["part"], [5, 6])
    assert found["matrix"].dtype == np.float32
    assert found["count"] == 9 and found["count"].dtype == np.int64


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_runs_no_code_of_a_file(write, tmp_path):
    path = write({"weight": Evil(tmp_path / "made")})
    with pytest.raises(UserError, match=r"weights.pth.*uses posix.mkdir"):
        read_torch_checkpoint(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["builtins.eval", "torch.QuantizedStorage", "torch._utils.x"])
def test_refuses_each_name_that_is_not_needed(name, tmp_path):
    module, _, attribute = name.rpartition(".")
    path = tmp_path / "weights.pth"
    with open(path, "wb") as file:
        for value in (MAGIC, 1001, {"little_endian": True}):
            pickle.dump(value, file, protocol=2)
        file.write(f"c{module}\n{attribute}\n.".encode())
    with pytest.raises(UserError, match=f"uses {name}"):
        read_torch_checkpoint(path)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(5, (2,), (1,)), (-1, (2,), (1,)), (0, (2, 3), (1, 3)), (3, (2,), (-1,)), (0, (99,), (0,))],
)
def test_refuses_views_beyond_their_storage(torch, write, offset, shape, strides):
    content = {"weight": Tensor(Stored(torch.FloatStorage, "1", 6), offset, shape, strides)}
    with pytest.raises(UserError, match="beyond the numbers of its storage"):
        read_torch_checkpoint(write(content, {"1": ("f", range(6))}))


def test_names_what_is_wrong_with_a_file(small, write, tmp_path):
    with pytest.raises(UserError, match=r"nowhere.pth: the weights cannot be read \(No such file"):
        read_torch_checkpoint(tmp_path / "nowhere.pth")
    whole = small.read_bytes()
    small.write_bytes(whole[:-1])
    with pytest.raises(UserError, match="weights.pth: not a state_dict"):
        read_torch_checkpoint(small)
    small.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(UserError, match="zip archive.*_use_new_zipfile_serialization=False"):
        read_torch_checkpoint(small)
    with pytest.raises(UserError, match="does not start with PyTorch.s magic number"):
        read_torch_checkpoint(write({}, magic=1))
    with pytest.raises(UserError, match="other than named tensors"):
        read_torch_checkpoint(write({"epoch": 7}))
