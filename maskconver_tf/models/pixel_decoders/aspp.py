"""Atrous spatial pyramid pooling, the pixel decoder of the released mobile model."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.norm import NormKind, make_norm
from maskconver_tf.models.levels import check_level, take_level
from maskconver_tf.setting_checks import (
    LARGEST_WIDTH,
    check_flags,
    check_lists,
    check_whole_numbers,
    is_whole_number,
)


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class ASPP(tf_keras.layers.Layer):
    """Sees one level with several dilation rates, and its mean.

    The branches are: a 1x1 convolution; for each dilation rate a depthwise 3x3 and a 1x1; and the
    mean over the picture with a 1x1. Each has a norm and an activation. A last 1x1 takes the
    concatenation of all branches.

    Shapes: level -> `[B, Hl, Wl, any]` in; `{level: [B, Hl, Wl, width]}` out.

    Args:
      level: the level of the backbone to use.
      width: channels of each branch and of the output.
      rates: dilation rates of the parallel branches.
      norm: kind of norm after each convolution.
      dilated_pointwise: also dilate the 1x1 after a depthwise convolution. The result is the same,
        but TensorFlow splits the feature and pads the parts, which costs multiply-adds. The
        released code does this, and its published cost includes it.

    Source: DeepLabv3 (arXiv 1706.05587), separable as in DeepLabv3+ (arXiv 1802.02611).
    """

    def __init__(
        self,
        level: int = 4,
        width: int = 256,
        rates: Sequence[int] = (6, 12, 18),
        norm: NormKind = "batch",
        dilated_pointwise: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_level("ASPP.level", level)
        check_whole_numbers("ASPP", 1, LARGEST_WIDTH, width=width)
        is_rate = functools.partial(is_whole_number, least=1, most=LARGEST_WIDTH)
        check_lists("ASPP", (6, 12, 18), is_rate, "whole numbers from 1", rates=rates)
        check_flags("ASPP", dilated_pointwise=dilated_pointwise)
        self._config = {
            "level": level,
            "width": width,
            "rates": list(rates),
            "norm": norm,
            "dilated_pointwise": dilated_pointwise,
        }
        self.level = level
        self.near = _Branch(width, norm, name="near")
        self.atrous = [_Branch(width, norm, r, dilated_pointwise, name=f"rate_{r}") for r in rates]
        self.mean = _Branch(width, norm, name="mean")
        self.project = _Branch(width, norm, name="project")

    def call(
        self, features: dict[int, tf.Tensor], training: bool | None = None
    ) -> dict[int, tf.Tensor]:
        x = take_level(features, self.level, "ASPP.level")
        branches = [branch(x, training=training) for branch in (self.near, *self.atrous)]
        mean = self.mean(tf.reduce_mean(x, axis=[1, 2], keepdims=True), training=training)
        branches.append(tf.broadcast_to(mean, tf.shape(branches[0])))
        return {self.level: self.project(tf.concat(branches, axis=-1), training=training)}

    def get_config(self):
        return super().get_config() | self._config


class _Branch(tf_keras.layers.Layer):
    """A 1x1 convolution, after a dilated depthwise 3x3 if `rate`, with norm and activation."""

    def __init__(
        self,
        width: int,
        norm: NormKind,
        rate: int = 0,
        dilated_pointwise: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.depthwise = (
            tf_keras.layers.DepthwiseConv2D(
                3, padding="same", dilation_rate=rate, use_bias=False, name="depthwise"
            )
            if rate
            else None
        )
        self.pointwise = tf_keras.layers.Conv2D(
            width,
            1,
            padding="same",
            dilation_rate=rate if dilated_pointwise else 1,
            use_bias=False,
            name="pointwise",
        )
        self.norm = make_norm(norm, "norm")

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if self.depthwise is not None:
            x = self.depthwise(x)
        return tf.nn.relu(self.norm(self.pointwise(x), training=training))
