"""JSON of tensors has the shortest texts of float32; its size is limited before it is parsed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.tensors.json_text import check_size, parse_object, write_json


@pytest.mark.parametrize(
    "shape", [(), (0,), (3,), (2, 0, 3), (5, 4, 3), (20_000,), (3, 9000), (300, 40, 2)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint8, np.bool_])
def test_arrays_of_all_shapes(shape, dtype):
    values = np.random.default_rng(0).normal(0, 100, shape)
    array = np.abs(values).astype(dtype) if dtype is np.uint8 else values.astype(dtype)
    found = json.loads(write_json({"a": array, "b": [array, "text", None, {"c": 1}]}))
    np.testing.assert_array_equal(np.array(found["a"], dtype).reshape(shape), array)
    assert np.shape(found["a"]) == shape or 0 in shape
    assert found["b"][1:] == ["text", None, {"c": 1}]


def test_float32_has_its_shortest_text():
    array = np.array([0.1, 0.9, 1 / 3, 1e-8, 1e20, -0.0], np.float32)
    assert write_json(array[:3]) == "[0.1, 0.9, 0.33333334]"
    found = np.array(json.loads(write_json(array)), np.float32)
    np.testing.assert_array_equal(found, array)
    assert json.loads(write_json(np.array([np.nan, np.inf, 1], np.float32))) == [None, None, 1]
    assert write_json(np.float32(0.1)) == "0.1" and write_json(np.int32(3)) == "3"


def test_values_are_counted_before_they_are_parsed():
    assert parse_object(b'{"a": [1, 2, 3]}', 3) == {"a": [1, 2, 3]}
    for body in (b'{"a": [1, 2, 3, 4]}', b'{"a": [[[[]]]]}'):
        with pytest.raises(Refusal) as caught:
            parse_object(body, 3)
        assert caught.value.status == 413
    check_size({"a": np.zeros(5), "b": np.zeros([2, 2])}, 9)
    with pytest.raises(Refusal) as caught:
        check_size({"a": np.zeros(5), "b": np.zeros([2, 2])}, 8)
    assert caught.value.status == 413
