"""The light head (MaskConver paper, section 3.3), and what the three of a model give."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.layers.activation import ActivationKind
from maskconver_tf.layers.first_weights import output_weights
from maskconver_tf.layers.norm import NormKind
from maskconver_tf.layers.separable_unit import SeparableUnit
from maskconver_tf.models.low_level_fusion import LowLevelFusion
from maskconver_tf.ops.positions import append_coordinates


@dataclasses.dataclass(frozen=True)
class HeadOutputs:
    """What the heads of `MaskConver` give.

    Attributes:
      heatmap_logits: center level -> float32 `[B, Hl, Wl, C]`.
      embeddings: center level -> center embeddings `[B, Hl, Wl, D]`.
      mask_features: `[B, h, w, D]`, on the mask grid.
      summed: `[B, h, w, any]`, the sum of levels that the mask features are made from.
    """

    heatmap_logits: dict[int, tf.Tensor]
    embeddings: dict[int, tf.Tensor]
    mask_features: tf.Tensor
    summed: tf.Tensor


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class LightHead(tf_keras.layers.Layer):
    """A few separable units and a 1x1 output convolution.

    All levels share the weights of the convolutions. Each level has its own norms.

    Shapes: `[B, H, W, any] -> [B, H, W, channels]`, in float32 or the compute dtype. With `fuses`
    the head also takes a finer feature `[B, H, W, any]`, which then sets H and W of the output.

    Args:
      channels: of the output.
      width: of the units.
      repeats: number of units; n in the paper. Large: 4, mobile: 2.
      kernel_size: of the units' depthwise convolutions.
      levels: pyramid levels that the head is called for.
      norm: kind of norm.
      output_bias: initial bias of the output.
      float32_output: output in float32 under every precision policy, for logits.
      activation: of the units and the fusion, "relu" or "gelu".
      fuses: first adds a finer feature, see `LowLevelFusion`.
      coordinates: appends two channels to what the first unit takes: y and x of each cell, from -1
        to 1 over the input, as in CoordConv (arXiv 1807.03247).

    Source: MaskConver section 3.3.
    """

    def __init__(
        self,
        channels: int,
        width: int = 256,
        repeats: int = 4,
        kernel_size: int = 7,
        levels: Sequence[int] = (3, 4, 5, 6, 7),
        norm: NormKind = "layer",
        output_bias: float = 0.0,
        float32_output: bool = False,
        fuses: bool = False,
        activation: ActivationKind = "relu",
        coordinates: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = {
            "channels": channels,
            "width": width,
            "repeats": repeats,
            "kernel_size": kernel_size,
            "levels": list(levels),
            "norm": norm,
            "output_bias": output_bias,
            "float32_output": float32_output,
            "fuses": fuses,
            "activation": activation,
            "coordinates": coordinates,
        }
        self.fusion = LowLevelFusion(norm, activation, name="fusion") if fuses else None
        self.units = [
            SeparableUnit(width, kernel_size, levels, norm, activation, name=f"unit_{i}")
            for i in range(repeats)
        ]
        self.output_conv = tf_keras.layers.Conv2D(
            channels,
            1,
            kernel_initializer=output_weights(),
            bias_initializer=tf_keras.initializers.Constant(output_bias),
            dtype="float32" if float32_output else None,
            name="output",
        )

    def call(
        self,
        features: tf.Tensor,
        level: int,
        finer: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> tf.Tensor:
        if self.fusion is not None:
            features = self.fusion(features, finer, training=training)
        if self._config["coordinates"]:
            features = append_coordinates(features)
        for unit in self.units:
            features = unit(features, level=level, training=training)
        return self.output_conv(features)

    def get_config(self):
        return super().get_config() | self._config


def logit_of_prior(prior: float) -> float:
    """Returns the bias with which a heatmap starts at the score `MaskConver.heatmap_prior`.

    Raises:
      UserError: it is not a number above 0 and below 1.
    """
    if not isinstance(prior, float) or not 0 < prior < 1:
        raise UserError(
            f"MaskConver.heatmap_prior = {typed_repr(prior)}: expected a number with a decimal "
            "point above 0 and below 1; write MaskConver.heatmap_prior = 0.1"
        )
    return math.log(prior / (1 - prior))


def mirror(x: tf.Tensor) -> tf.Tensor:
    """Swaps left and right of `[B, H, W, any]`."""
    return tf.reverse(x, axis=[2])


def join_heads(heads: HeadOutputs, mirrored: HeadOutputs) -> HeadOutputs:
    """Mirrors the outputs of the mirror image back and joins them with those of the picture.

    Returns:
      Heatmap logits: the mean of both. Embeddings and mask features: both, side by side, with
      2 D channels. The dot product of two such vectors is the sum of the mask logits of both.
    """
    return HeadOutputs(
        {k: (x + mirror(mirrored.heatmap_logits[k])) / 2 for k, x in heads.heatmap_logits.items()},
        {k: _side_by_side(x, mirrored.embeddings[k]) for k, x in heads.embeddings.items()},
        _side_by_side(heads.mask_features, mirrored.mask_features),
        heads.summed,
    )


def _side_by_side(x: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    return tf.concat([x, mirror(mirrored)], axis=-1)
