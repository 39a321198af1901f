"""What a training step keeps of its forward pass, counted from the traced graph."""

from __future__ import annotations

import math

import tensorflow as tf

_VIEWS = ("Reshape", "Identity", "IdentityN", "ExpandDims", "Squeeze", "StopGradient")
"""Operations whose output is the first input's memory (of `IdentityN`: the input of like place)."""
_WEIGHTS = ("ReadVariableOp", "Const", "VarHandleOp", "Placeholder")
"""Operations whose output is there anyway: weights, constants and the batch itself."""


def kept_activations(graph: tf.Graph, batch_size: int) -> int:
    """Bytes of all tensors that the forward pass makes and the backward pass reads.

    An estimate of the memory between the two: a compiler fuses some away (it computes a GELU again
    rather than read it), pads others to its tiles, and needs room for what it works on.

    Args:
      graph: of a step whose gradients come from a `tf.GradientTape`, which names their operations;
        whatever depends on these, as a forward pass done again does, is backward too.
      batch_size: taken for a dimension that is not static.
    """
    kept, backward = {}, set()
    for operation in graph.get_operations():  # each after what it reads
        is_gradient = operation.name.startswith("gradient_tape/")
        if is_gradient or any(tensor.op in backward for tensor in operation.inputs):
            backward.add(operation)
            sources = [_source(x) for x in operation.inputs if x.op not in backward]
            kept |= {x.name: num_bytes(x, batch_size) for x in sources if not _is_weight(x)}
    return sum(kept.values())


def num_bytes(tensor: tf.Tensor | tf.Variable, batch_size: int = 1) -> int:
    """Of a tensor or variable; 0 for handles and what has no known rank."""
    if tensor.shape.rank is None or tensor.dtype in (tf.resource, tf.variant):
        return 0
    return math.prod(batch_size if d is None else d for d in tensor.shape) * tensor.dtype.size


def _source(tensor: tf.Tensor) -> tf.Tensor:
    """The tensor whose memory this one is a view of."""
    while tensor.op.type in _VIEWS:
        place = tensor.value_index if tensor.op.type == "IdentityN" else 0
        tensor = tensor.op.inputs[place]
    return tensor


def _is_weight(tensor: tf.Tensor) -> bool:
    """Whether it is a weight, a constant or an input, as it is or in another precision."""
    operation = tensor.op
    while operation.type in ("Cast", *_VIEWS):
        operation = operation.inputs[0].op
    return operation.type in _WEIGHTS
