"""Counts a model's weights, and its multiply-adds per picture from the traced graph."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.ops.masks import mask_logits

KINDS = ("convolution", "depthwise", "dense", "einsum")

MASK_PRODUCT = "mask_product"
"""The part for the masks of all proposals. The fusion drops low scores before it makes masks, so
this is the largest possible cost. It is not in the sum, as in most papers."""


@dataclasses.dataclass(frozen=True)
class LayerCost:
    """Multiply-adds of one layer, summed over its calls (a head is called at every level).

    Attributes:
      part: attribute of the model that has the layer, such as "backbone".
      layer: path of names inside the part; empty for operations of the part or the model itself.
      kind: one of `KINDS`.
      multiply_adds: for one picture.
    """

    part: str
    layer: str
    kind: str
    multiply_adds: int


@dataclasses.dataclass(frozen=True)
class Complexity:
    """Size and cost of a model at one input size.

    Attributes:
      input_size: (height, width) in pixels.
      parameters: part -> number of weights of every kind, with the statistics of batch norms.
      trainable_parameters: part -> number of weights that an optimizer changes.
      layers: the costs, in the order of the graph.
    """

    input_size: tuple[int, int]
    parameters: dict[str, int]
    trainable_parameters: dict[str, int]
    layers: tuple[LayerCost, ...]

    @property
    def num_parameters(self) -> int:
        return sum(self.parameters.values())

    @property
    def num_trainable_parameters(self) -> int:
        return sum(self.trainable_parameters.values())

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the model, without `MASK_PRODUCT`."""
        return sum(self.by_part().values()) - self.mask_product

    @property
    def mask_product(self) -> int:
        """Multiply-adds of the masks of all proposals."""
        return self.by_part()[MASK_PRODUCT]

    def by_part(self) -> dict[str, int]:
        """Multiply-adds of each part; 0 for a part without counted operations."""
        return self._sums("part", [*self.parameters, MASK_PRODUCT])

    def by_kind(self) -> dict[str, int]:
        """Multiply-adds of each of `KINDS`."""
        return self._sums("kind", KINDS)

    def _sums(self, attribute: str, names) -> dict[str, int]:
        sums = dict.fromkeys(names, 0)
        for cost in self.layers:
            name = getattr(cost, attribute)
            sums[name] = sums.get(name, 0) + cost.multiply_adds
        return sums


def count_complexity(model: tf_keras.Model, input_size: tuple[int, int]) -> Complexity:
    """Counts the weights of a model, and the multiply-adds of inference on one picture.

    Convolutions, depthwise convolutions and matrix products count, as in the tables of most papers.
    A multiplication and its addition count as one. Norms, activations and resizing do not count.

    Args:
      model: a model with its weights. It is traced on uint8 `[1, height, width, 3]`, not computed.
      input_size: (height, width) in pixels.
    """
    parts = _parts(model)
    return Complexity(
        input_size=tuple(input_size),
        parameters={name: _num_weights(part.weights) for name, part in parts.items()},
        trainable_parameters={
            name: _num_weights(part.trainable_weights) for name, part in parts.items()
        },
        layers=layer_costs(trace(model, input_size), parts),
    )


def trace(model: tf_keras.Model, input_size: tuple[int, int]) -> tf.Graph:
    """Traces inference on one picture and the masks of all proposals; all shapes are static."""

    def infer(images: tf.Tensor) -> tf.Tensor | dict[str, tf.Tensor]:
        outputs = model(images, training=False)
        if types.MASK_EMBEDDINGS not in outputs:
            return outputs
        with tf.name_scope(MASK_PRODUCT):
            return mask_logits(outputs[types.MASK_FEATURES], outputs[types.MASK_EMBEDDINGS])

    images = tf.TensorSpec([1, *input_size, 3], tf.uint8)
    return tf.function(infer, autograph=False).get_concrete_function(images).graph


def layer_costs(graph: tf.Graph, parts: dict[str, tf_keras.layers.Layer]) -> tuple[LayerCost, ...]:
    """Counts the costs of a traced model's layers.

    Args:
      graph: all shapes are static, and operations have names `model/part/.../operation`.
      parts: name of each part -> its layer.
    """
    names = {layer.name: part for part, layer in parts.items()}
    sums: Counter[tuple[str, str, str]] = Counter()
    for operation in graph.get_operations():
        if operation.type in _COUNTERS:
            kind, count = _COUNTERS[operation.type]
            root, *path, _ = operation.name.split("/")
            if root == MASK_PRODUCT:
                part = root
            else:
                part = names.get(path.pop(0), "") if path and path[0] in names else ""
            layer = "/".join(filter(_is_layer, path))
            sums[part, layer, kind] += count(operation)
    return tuple(LayerCost(*key, multiply_adds) for key, multiply_adds in sums.items())


def _is_layer(name: str) -> bool:
    """Whether a name in an operation's path is that of a layer; some functions add other names."""
    return not re.fullmatch(r"(Tensordot|einsum)(_\d+)?", name)


def _parts(model: tf_keras.Model) -> dict[str, tf_keras.layers.Layer]:
    """Lists the model's own layers by their attributes, in the order in which they were set."""
    attributes = vars(model).items()
    return {name: x for name, x in attributes if isinstance(x, tf_keras.layers.Layer)}


def _num_weights(weights: list[tf.Variable]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _convolution(operation: tf.Operation) -> int:
    """Each output takes kernel height x kernel width x input channels (of its group)."""
    return math.prod(operation.outputs[0].shape) * math.prod(operation.inputs[1].shape[:3])


def _depthwise(operation: tf.Operation) -> int:
    return math.prod(operation.outputs[0].shape) * math.prod(operation.inputs[1].shape[:2])


def _matrix_product(operation: tf.Operation) -> int:
    transposed = "transpose_b" if operation.type == "MatMul" else "adj_y"
    inner = operation.inputs[1].shape[-1 if operation.get_attr(transposed) else -2]
    return math.prod(operation.outputs[0].shape) * inner


def _einsum(operation: tf.Operation) -> int:
    """Each combination of indices takes one. TensorFlow has already replaced any ellipsis."""
    terms = operation.get_attr("equation").decode().split("->")[0].split(",")
    sizes: dict[str, int] = {}
    for letters, tensor in zip(terms, operation.inputs, strict=True):
        sizes |= dict(zip(letters, tensor.shape, strict=True))
    return math.prod(sizes.values()) if len(terms) > 1 else 0


_COUNTERS = {
    "Conv2D": ("convolution", _convolution),
    "DepthwiseConv2dNative": ("depthwise", _depthwise),
    "MatMul": ("dense", _matrix_product),
    "BatchMatMulV2": ("dense", _matrix_product),
    "Einsum": ("einsum", _einsum),
}
"""Operation type -> its kind, and the function that counts its multiply-adds."""
