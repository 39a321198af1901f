"""`--float_tensors` of an int8 file: which operations compute in float32, and what it gains."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from maskconver_tf.errors import UserError
from maskconver_tf.export.litert import convert
from tests.unit.export.litert.pictures import PICTURES

_PLAIN = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def dtypes_of_convolutions(model: bytes) -> dict[str, tuple[type, type]]:
    """Part of the model -> dtypes of the weights and of the result of its convolution."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=_PLAIN)
    interpreter.allocate_tensors()
    tensors = {each["index"]: each for each in interpreter.get_tensor_details()}
    found = {}
    for operation in interpreter._get_ops_details():
        if operation["op_name"] == "CONV_2D":
            result, weights = tensors[operation["outputs"][0]], tensors[operation["inputs"][1]]
            [part] = [name for name in ("easy", "hard") if name in result["name"].split(";")[0]]
            found[part] = (weights["dtype"], result["dtype"])
    return found


def output(model: bytes, picture: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=_PLAIN)
    return interpreter.get_signature_runner()(image=picture[np.newaxis])["mask_features"]


INT8, FLOAT32 = (np.int8, np.int8), (np.float32, np.float32)


@pytest.mark.parametrize(
    ("float_tensors", "expected"),
    [
        (None, {"easy": INT8, "hard": INT8}),
        ("hard", {"easy": INT8, "hard": FLOAT32}),
        ("easy", {"easy": FLOAT32, "hard": INT8}),
        ("hard|easy", {"easy": FLOAT32, "hard": FLOAT32}),
    ],
)
def test_convolutions_with_such_names_compute_in_float32(float32, float_tensors, expected):
    model = convert.quantise(float32, "int8", float_tensors, PICTURES)
    assert dtypes_of_convolutions(model) == expected


def test_such_names_count_in_a_dynamic_file_too(float32):
    model = convert.quantise(float32, "dynamic", "hard", [])
    assert dtypes_of_convolutions(model) == {"easy": (np.int8, np.float32), "hard": FLOAT32}


def test_leaving_the_hard_tensor_and_its_readers_in_float32_brings_the_result_nearer(float32):
    def error(float_tensors: str | None) -> float:
        model = convert.quantise(float32, "int8", float_tensors, PICTURES)
        pairs = [(output(model, each), output(float32, each)) for each in PICTURES]
        return float(np.sqrt(np.mean([np.square(x - y) for x, y in pairs])))

    assert 0 < error("^(?!.*easy)") < 0.5 * error(None)


def test_a_name_that_no_tensor_has_is_told(float32):
    for known in (None, "hard", "easy|nothing"):
        convert.check_float_tensors([float32], known)
    with pytest.raises(UserError, match=r"--float_tensors hrad: no tensor .* some of"):
        convert.check_float_tensors([float32, float32], "hrad")
