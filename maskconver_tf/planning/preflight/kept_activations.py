"""Counts the activations that a traced training step keeps for its backward pass."""

from __future__ import annotations

import math

import tensorflow as tf

_VIEWS = ("Reshape", "Identity", "IdentityN", "ExpandDims", "Squeeze", "StopGradient")
"""Operations whose output shares the memory of the first input (`IdentityN`: of the same input)."""
_WEIGHTS = ("ReadVariableOp", "Const", "VarHandleOp", "Placeholder")
"""Operations whose output exists in any case: weights, constants and the batch itself."""


def kept_activations(graph: tf.Graph, batch_size: int) -> int:
    """Sums the bytes of all tensors that the forward pass makes and the backward pass reads.

    This estimates the memory that the step holds between the two passes. A compiler removes some
    tensors (it recomputes a GELU instead of reading it), pads others to its tiles, and needs extra
    memory to compute.

    Args:
      graph: of a step that takes its gradients with a `tf.GradientTape`. The tape names the
        backward operations. Operations that depend on them, such as a recomputed forward pass,
        count as backward too.
      batch_size: size of every dimension that is not static.
    """
    kept, backward = {}, set()
    for operation in graph.get_operations():  # Each operation comes after its inputs.
        is_gradient = operation.name.startswith("gradient_tape/")
        if is_gradient or any(tensor.op in backward for tensor in operation.inputs):
            backward.add(operation)
            sources = [_source(x) for x in operation.inputs if x.op not in backward]
            kept |= {x.name: num_bytes(x, batch_size) for x in sources if not _is_weight(x)}
    return sum(kept.values())


def num_bytes(tensor: tf.Tensor | tf.Variable, batch_size: int = 1) -> int:
    """Bytes of a tensor or variable; 0 for handles and for tensors of unknown rank."""
    if tensor.shape.rank is None or tensor.dtype in (tf.resource, tf.variant):
        return 0
    return math.prod(batch_size if d is None else d for d in tensor.shape) * tensor.dtype.size


def _source(tensor: tf.Tensor) -> tf.Tensor:
    """Finds the tensor that owns the memory of this one, which may be a view."""
    while tensor.op.type in _VIEWS:
        place = tensor.value_index if tensor.op.type == "IdentityN" else 0
        tensor = tensor.op.inputs[place]
    return tensor


def _is_weight(tensor: tf.Tensor) -> bool:
    """Whether it is a weight, a constant or an input, perhaps cast to another precision."""
    operation = tensor.op
    while operation.type in ("Cast", *_VIEWS):
        operation = operation.inputs[0].op
    return operation.type in _WEIGHTS
