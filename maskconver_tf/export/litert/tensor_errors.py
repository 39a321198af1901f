"""Measures how much each tensor of a quantised LiteRT file differs from the float32 file."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from maskconver_tf.inference import signatures

_LISTED = 20
"""Tensors in a report."""


@dataclasses.dataclass(frozen=True)
class TensorError:
    """What one tensor loses, as shares of the root mean square of its float32 values.

    Attributes:
      name: of the tensor, as `--float_tensors` takes it.
      own: the root mean square of what rounding to the scale and range of this tensor changes, if
        all before it is exact. It tells which tensor is to blame.
      total: the root mean square of the difference between the two files, with the errors of all
        tensors before it.
    """

    name: str
    own: float
    total: float


def tensor_errors(float32: bytes, int8: bytes, picture: np.ndarray) -> list[TensorError]:
    """Runs both files on a picture uint8 `[H, W, 3]`; the tensors with the largest own error first.

    Only activations count that are float32 in the one file and int8 in the other.
    """
    exact = {each["name"]: value for each, value in _tensors(float32, picture)}
    found = []
    for details, value in _tensors(int8, picture):
        name = _plain_name(details["name"])
        expected = exact.get(name)
        if value.dtype != np.int8 or expected is None or expected.dtype != np.float32:
            continue
        scale, zero = details["quantization"]
        if expected.shape != value.shape or not scale:
            continue
        size = max(_rms(expected), 1e-12)
        rounded = np.clip(np.round(expected / scale) + zero, -128, 127)
        own, total = (scale * (x.astype(np.float32) - zero) - expected for x in (rounded, value))
        found.append(TensorError(name, _rms(own) / size, _rms(total) / size))
    return sorted(found, key=lambda error: -error.own)


def report_of(errors: list[TensorError]) -> list[dict[str, Any]]:
    """The worst tensors, for a card."""
    return [
        {"name": error.name, "own_error": _short(error.own), "total_error": _short(error.total)}
        for error in errors[:_LISTED]
    ]


def format_errors(report: list[dict[str, Any]], count: int = 3) -> list[str]:
    """Lines for the log of an export; none without int8 tensors."""
    lines = [
        f"  {each['name']}: rounding changes it by {100 * each['own_error']:.1f} %, and all "
        f"errors together by {100 * each['total_error']:.1f} %"
        for each in report[:count]
    ]
    head = "  largest errors of int8 tensors (--float_tensors REGEX leaves some in float32):"
    return [head, *lines] if lines else []


def _tensors(model: bytes, picture: np.ndarray) -> Iterator[tuple[dict, np.ndarray]]:
    """The results of all operations of a file on a picture, with the details of their tensors."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns that kept tensors need memory.
        interpreter = Interpreter(
            model_content=model,
            experimental_preserve_all_tensors=True,
            # A delegate would keep the tensors inside its part of the graph for itself.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    runner = interpreter.get_signature_runner()
    runner(**{signatures.IMAGE: picture[np.newaxis]})
    results = {index for each in interpreter._get_ops_details() for index in each["outputs"]}
    for details in interpreter.get_tensor_details():
        if details["index"] in results:
            with contextlib.suppress(ValueError):  # It has no data.
                yield details, interpreter.get_tensor(details["index"])


def _plain_name(name: str) -> str:
    """The name of a tensor in the float32 file; the quantiser names int8 copies of its own."""
    return name.removesuffix("_quantized")


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x.astype(np.float64))))) if x.size else 0.0


def _short(value: float) -> float:
    return float(f"{value:.3g}")
