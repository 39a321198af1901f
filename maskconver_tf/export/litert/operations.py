"""The operations of a LiteRT file, and those that delegates for GPUs and NPUs take."""

from __future__ import annotations

from collections import Counter

DELEGATED = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CAST",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DEQUANTIZE",
        "FULLY_CONNECTED",
        "GELU",
        "HARD_SWISH",
        "LOGISTIC",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PAD",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RSQRT",
        "SQUARED_DIFFERENCE",
        "STRIDED_SLICE",
        "SUB",
    }
)
"""What a file of heads may hold. LiteRT's GPU delegate and the NPU compilers of its vendors take
all of them, with at most four dimensions."""

_OF_THE_RUNTIME = "DELEGATE"


def count_operations(interpreter) -> dict[str, int]:
    """Counts the operations of the file that an interpreter has loaded, by name."""
    names = [each["op_name"] for each in interpreter._get_ops_details()]
    return dict(sorted(Counter(name for name in names if name != _OF_THE_RUNTIME).items()))


def not_delegated(counts: dict[str, int]) -> list[str]:
    """Names the operations outside `DELEGATED`."""
    return sorted(set(counts) - DELEGATED)
