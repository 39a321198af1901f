"""Backbones from `tf_keras.applications`, with the ImageNet weights that Keras publishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.layers.layer_scale import LayerScale
from maskconver_tf.layers.norm import has_several_replicas
from maskconver_tf.models.backbones.backbone import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Backbone,
    must_load_weights,
)
from maskconver_tf.setting_checks import check_choices, check_flags, check_texts, given


class Application(NamedTuple):
    """A network of Keras.

    Attributes:
      build: the function in Keras that makes it.
      next_layers: the first layer after levels 2, 3 and 4; level 5 is the last output.
      mean, std: for pixels in 0..255. Keras normalises pixels in layers of the network; here
        `Backbone` does it, in float32 under every precision policy.
    """

    build: Callable[..., tf_keras.Model]
    next_layers: tuple[str, str, str]
    mean: Sequence[float] = IMAGENET_MEAN
    std: Sequence[float] = IMAGENET_STD


APPLICATIONS = {
    "ConvNeXtTiny": Application(
        tf_keras.applications.ConvNeXtTiny,
        tuple(f"convnext_tiny_downsampling_block_{i}" for i in range(3)),
    ),
    "MobileNetV3Large": Application(
        tf_keras.applications.MobileNetV3Large,
        tuple(f"expanded_conv_{i}/expand" for i in (3, 6, 12)),
        mean=(127.5,) * 3,
        std=(127.5,) * 3,
    ),
    "EfficientNetV2B0": Application(
        tf_keras.applications.EfficientNetV2B0,
        tuple(f"block{i}a_expand_conv" for i in (3, 4, 6)),
    ),
}


def keras_application(
    name: str = "ConvNeXtTiny",
    weights: str | None = None,
    freeze_batch_norm: bool = False,
) -> Backbone:
    """A network of `tf_keras.applications` as a backbone.

    Args:
      name: the network: "ConvNeXtTiny", "EfficientNetV2B0" or "MobileNetV3Large".
      weights: "imagenet", a local HDF5 file, or None for random weights. Keras downloads
        "imagenet" on first use and keeps it. A file is one that Keras publishes for the network
        without its classifier (`*_notop.h5` or `*_no_top*.h5`).
      freeze_batch_norm: whether batch norms keep their statistics, scale and offset in training.
        ConvNeXt has no batch norms.

    Raises:
      UserError: the name is unknown, the download fails, or the file has other weights.

    Source: ConvNeXt (arXiv 2201.03545), MobileNetV3 (1905.02244), EfficientNetV2 (2104.00298).
    """
    check_choices("keras_application", sorted(APPLICATIONS), name=name)
    check_flags("keras_application", freeze_batch_norm=freeze_batch_norm)
    check_texts("keras_application", "imagenet", **given(weights=weights))
    application = APPLICATIONS[name]
    network = _levels(_adapted(_load(name, weights)), application.next_layers)
    return Backbone(
        network,
        mean=application.mean,
        std=application.std,
        freeze_batch_norm=freeze_batch_norm,
        name="backbone",
    )


def _load(name: str, weights: str | None) -> tf_keras.Model:
    """Builds the network of Keras without its classifier and its preprocessing."""
    build = APPLICATIONS[name].build
    settings = {"include_top": False, "include_preprocessing": False}
    if not must_load_weights(weights):
        return build(weights=None, **settings)
    if weights == "imagenet":
        return _download(name, lambda: build(weights="imagenet", **settings))
    if not Path(weights).is_file():
        raise UserError(
            f"keras_application.weights = {weights!r}: no such file; expected None, 'imagenet' or "
            f"a local HDF5 file of {name}"
        )
    network = build(weights=None, **settings)
    try:
        network.load_weights(weights)
    except (ValueError, OSError) as error:
        raise UserError(
            f"keras_application.weights = {weights!r}: not the weights of {name} "
            f"({_brief(error)}); expected the file Keras publishes for it without the classifier, "
            "whose name ends in _notop.h5 or has _no_top in it. Download that file"
        ) from error
    return network


def _download(name: str, build: Callable[[], tf_keras.Model]) -> tf_keras.Model:
    try:
        return build()
    except Exception as error:  # Keras raises a bare Exception if a download fails.
        raise UserError(
            f"keras_application.weights = 'imagenet': cannot download the weights of {name} "
            f"({_brief(error)}). If this machine has no internet, download the file elsewhere and "
            "set keras_application.weights = 'FILE', or put it into ~/.keras/models"
        ) from error


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")


def _adapted(network: tf_keras.Model) -> tf_keras.Model:
    """The same network with the same weights, from layers that `_adapt` chooses."""
    adapted = tf_keras.models.clone_model(network, clone_function=_adapt)
    for old, new in zip(network.layers, adapted.layers, strict=True):
        values = zip(old.get_weights(), new.weights, strict=True)
        new.set_weights([value.reshape(weight.shape) for value, weight in values])
    return adapted


def _adapt(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
    config = layer.get_config()
    if type(layer).__name__ == "LayerScale":  # Keras cannot deserialise its own.
        return LayerScale(config["init_values"], name=layer.name)
    if getattr(layer, "groups", 1) > 1:
        return _depthwise(layer)
    if isinstance(layer, tf_keras.layers.BatchNormalization):
        config["synchronized"] = has_several_replicas()
    return type(layer).from_config(config)


def _depthwise(layer: tf_keras.layers.Conv2D) -> tf_keras.layers.Layer:
    """Replaces a grouped convolution with one group per channel by a depthwise one.

    The depthwise convolution is far faster on a CPU.
    """
    if not layer.groups == layer.filters:
        raise ValueError(f"{layer.name}: {layer.groups} groups of {layer.filters} channels")
    return tf_keras.layers.DepthwiseConv2D(
        layer.kernel_size,
        layer.strides,
        layer.padding,
        use_bias=layer.use_bias,
        activation=layer.activation,
        name=layer.name,
    )


def _levels(network: tf_keras.Model, next_layers: Sequence[str]) -> tf_keras.Model:
    """Names the outputs of levels 2..5. Each is the output of the layer before `next_layers`."""
    names = [layer.name for layer in network.layers]
    outputs = {
        str(level): network.layers[names.index(name) - 1].output
        for level, name in zip(range(2, 5), next_layers)
    }
    return tf_keras.Model(network.input, outputs | {"5": network.output})
