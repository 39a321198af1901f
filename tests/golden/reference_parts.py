"""The parts of the model in NumPy, written from the paper and not from our code.

Each function takes features `[B, H, W, D]` and the weights of a part by name, as `weights_of` gives
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tf_keras

from maskconver_tf.models.variable_names import named_variables

Weights = dict[str, np.ndarray]
Activation = Callable[[np.ndarray], np.ndarray]


def weights_of(part: tf_keras.layers.Layer) -> Weights:
    return {name: variable.numpy() for name, variable in named_variables(part).items()}


def under(weights: Weights, prefix: str) -> Weights:
    """The weights whose name starts with `prefix/`, without it."""
    start = f"{prefix}/"
    return {n.removeprefix(start): w for n, w in weights.items() if n.startswith(start)}


# ---- Operations ----------------------------------------------------------------------------------
def relu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * np.vectorize(lambda v: (1 + math.erf(v / math.sqrt(2))) / 2)(x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def norm(x: np.ndarray, w: Weights) -> np.ndarray:
    """A batch norm in inference if the weights have statistics, else a layer norm."""
    if "moving_mean" in w:
        x = (x - w["moving_mean"]) / np.sqrt(w["moving_variance"] + 1e-3)
    else:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    return x * w["gamma"] + w["beta"]


def depthwise(x: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
    """A depthwise convolution; kernel `[k, k, D, 1]`, as many zeros before as TensorFlow adds."""
    size = kernel.shape[0]
    height, width = (-(-n // stride) for n in x.shape[1:3])
    pads = [max((out - 1) * stride + size - n, 0) for out, n in zip((height, width), x.shape[1:3])]
    x = np.pad(x, [[0, 0], *([pad // 2, pad - pad // 2] for pad in pads), [0, 0]])
    total = 0
    for i, j in np.ndindex(size, size):
        rows = slice(i, i + (height - 1) * stride + 1, stride)
        columns = slice(j, j + (width - 1) * stride + 1, stride)
        total = total + x[:, rows, columns] * kernel[i, j, :, 0]
    return total


def separable(x: np.ndarray, w: Weights, stride: int = 1) -> np.ndarray:
    x = depthwise(x, w["depthwise_kernel"], stride)
    return x @ w["pointwise_kernel"][0, 0] + w["bias"]


def doubled(x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Every cell four times, cut to the height and width of `like`."""
    return x.repeat(2, axis=1).repeat(2, axis=2)[:, : like.shape[1], : like.shape[2]]


# ---- Parts ---------------------------------------------------------------------------------------
def convnext_block(x: np.ndarray, w: Weights, squeeze_activation: Activation) -> np.ndarray:
    y = depthwise(x, w["depthwise/depthwise_kernel"]) + w["depthwise/bias"]
    y = gelu(norm(y, under(w, "norm")) @ w["expand/kernel"] + w["expand/bias"])
    reduce, expand = (under(w, f"squeeze_excite/_se_{name}") for name in ("reduce", "expand"))
    squeezed = y.mean((1, 2), keepdims=True) @ reduce["kernel"][0, 0] + reduce["bias"]
    gate = squeeze_activation(squeezed) @ expand["kernel"][0, 0] + expand["bias"]
    y = (y * sigmoid(gate)) @ w["contract/kernel"] + w["contract/bias"]
    return x + y * w["gamma"]


def decoder(
    features: dict[int, np.ndarray],
    w: Weights,
    repeats: tuple[int, ...],
    squeeze_activation: Activation,
    level_activation: Activation,
) -> dict[int, np.ndarray]:
    """ConvNeXt-UNet: every level ends with `level_activation`, and the next one starts from it."""
    found: dict[int, np.ndarray] = {}
    for level, count in zip((5, 4, 3), repeats):
        x = _projected(features[level], under(w, f"laterals/{level}"))
        if found:
            x = x + doubled(_projected(found[level + 1], under(w, f"climbs/{level}")), x)
        for block in range(count):
            x = convnext_block(x, under(w, f"stacks/{level}/{block}"), squeeze_activation)
        found[level] = level_activation(x)
    return found


def _projected(x: np.ndarray, w: Weights) -> np.ndarray:
    return norm(x @ w["layer_with_weights-0/kernel"][0, 0], under(w, "layer_with_weights-1"))


def pyramid(
    features: dict[int, np.ndarray], w: Weights, coarser: tuple[int, ...], activation: Activation
) -> dict[int, np.ndarray]:
    """The light FPN: `activation` stands between two added levels, not before the first one."""
    mixed, merged = {}, None
    for level in (5, 4, 3):
        lateral = separable(features[level], under(w, f"laterals/{level}"))
        above = [] if merged is None else [doubled(merged, lateral)]
        merged = np.concatenate([lateral, *above], axis=-1)
        mixed[level] = separable(merged, under(w, f"mixers/{level}"))
    for level in coarser:
        finer = activation(mixed[level - 1]) if level > 6 else mixed[level - 1]
        mixed[level] = separable(finer, under(w, f"reducers/{level}"), stride=2)
    return {level: norm(x, under(w, f"norms/{level}")) for level, x in mixed.items()}


def head(x: np.ndarray, w: Weights, level: int, repeats: int, activation: Activation) -> np.ndarray:
    for unit in range(repeats):
        u = under(w, f"units/{unit}")
        x = depthwise(x, u["depthwise/depthwise_kernel"])
        x = activation(norm(x, under(u, f"spatial_norms/{level}")))
        x = x @ u["pointwise/kernel"][0, 0]
        x = activation(norm(x, under(u, f"channel_norms/{level}")))
    return x @ w["output_conv/kernel"][0, 0] + w["output_conv/bias"]


def mask_embeddings(
    center_embeddings: np.ndarray, class_ids: np.ndarray, w: Weights, activation: Activation
) -> np.ndarray:
    x = center_embeddings + w["class_embedding_table"][class_ids]
    x = activation(norm(x @ w["hidden/kernel"], under(w, "norm")))
    return x @ w["output_dense/kernel"] + w["output_dense/bias"]
