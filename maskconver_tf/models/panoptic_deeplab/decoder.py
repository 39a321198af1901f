"""The decoder of Panoptic-DeepLab (arXiv 1911.10194, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.norm import NormKind, make_norm
from maskconver_tf.layers.separable_unit import SeparableUnit
from maskconver_tf.models.levels import take_level
from maskconver_tf.models.pixel_decoders.aspp import ASPP


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class DeepLabDecoder(tf_keras.layers.Layer):
    """Refines one level with ASPP, and brings it to finer levels one after the other.

    For each lateral level, coarsest first:

    x = unit(concat(resize(x), relu(norm(conv1x1(feature)))))

    The resize is bilinear, and the unit is one depthwise separable convolution.

    Shapes: level -> `[B, Hl, Wl, any]` in; `[B, Hl, Wl, width]` of the finest lateral level out.

    Args:
      level: the level of ASPP.
      aspp_width: channels of ASPP.
      rates: dilation rates of ASPP.
      dilated_pointwise: see `ASPP`.
      lateral_levels: levels of the backbone to add, coarsest first.
      lateral_widths: channels to which the feature of each lateral level is projected.
      width: channels after each lateral level.
      kernel_size: of the units' depthwise convolutions.
      norm: kind of norm.

    Source: Panoptic-DeepLab (arXiv 1911.10194), section 3.1.
    """

    def __init__(
        self,
        level: int = 4,
        aspp_width: int = 256,
        rates: Sequence[int] = (6, 12, 18),
        dilated_pointwise: bool = False,
        lateral_levels: Sequence[int] = (3, 2),
        lateral_widths: Sequence[int] = (64, 32),
        width: int = 256,
        kernel_size: int = 5,
        norm: NormKind = "batch",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = {
            "level": level,
            "aspp_width": aspp_width,
            "rates": list(rates),
            "dilated_pointwise": dilated_pointwise,
            "lateral_levels": list(lateral_levels),
            "lateral_widths": list(lateral_widths),
            "width": width,
            "kernel_size": kernel_size,
            "norm": norm,
        }
        self.level = level
        self.aspp = ASPP(level, aspp_width, rates, norm, dilated_pointwise, name="aspp")
        self.laterals = {
            str(k): _Lateral(channels, norm, name=f"lateral_{k}")
            for k, channels in zip(lateral_levels, lateral_widths, strict=True)
        }
        self.units = {
            str(k): SeparableUnit(width, kernel_size, [k], norm, name=f"unit_{k}")
            for k in lateral_levels
        }

    def call(self, features: dict[int, tf.Tensor], training: bool | None = None) -> tf.Tensor:
        x = self.aspp(features, training=training)[self.level]
        for level in self._config["lateral_levels"]:
            feature = take_level(features, level, "PanopticDeepLab.lateral_levels")
            detail = self.laterals[str(level)](feature, training=training)
            resized = tf.image.resize(x, feature.shape[1:3], "bilinear")
            x = tf.concat([tf.cast(resized, detail.dtype), detail], axis=-1)
            x = self.units[str(level)](x, level=level, training=training)
        return x

    def get_config(self):
        return super().get_config() | self._config


class _Lateral(tf_keras.layers.Layer):
    """A 1x1 convolution with norm and ReLU."""

    def __init__(self, width: int, norm: NormKind, **kwargs):
        super().__init__(**kwargs)
        self.project = tf_keras.layers.Conv2D(
            width, 1, use_bias=False, kernel_initializer="he_normal", name="project"
        )
        self.norm = make_norm(norm, "norm")

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return tf.nn.relu(self.norm(self.project(x), training=training))
