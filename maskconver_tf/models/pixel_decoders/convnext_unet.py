"""ConvNeXt-UNet, the pixel decoder (MaskConver, arXiv 2312.06052, section 3.2)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.layers.activation import ActivationKind, make_optional_activation
from maskconver_tf.layers.convnext_block import ConvNeXtSEBlock
from maskconver_tf.layers.first_weights import convnext_weights
from maskconver_tf.layers.norm import NormKind, make_norm
from maskconver_tf.models.levels import take_level
from maskconver_tf.ops.resize import repeat_to_size
from maskconver_tf.setting_checks import (
    LARGEST_WIDTH,
    check_choices,
    check_flags,
    check_lists,
    check_numbers,
    check_whole_numbers,
    is_whole_number,
)

DropPathRise = Literal["level", "block"]

_NAME = "ConvNeXtUNet"
_is_repeat = functools.partial(is_whole_number, least=0, most=1000)
_is_width = functools.partial(is_whole_number, least=1, most=LARGEST_WIDTH)

_BACKBONE_STAGES = 5
"""Stages before the decoder: the stem and levels 2..5."""


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class ConvNeXtUNet(tf_keras.layers.Layer):
    """Refines level 5 with many blocks, and the finer levels with few.

    Level 5 is projected and goes through `repeats[0]` ConvNeXt-SE blocks. Each finer level is a sum
    that goes through its own blocks: the projected backbone feature, plus the level above, which is
    projected and doubled in size. Most blocks are at stride 32: there a 7x7 kernel sees most of the
    picture for little cost.

    Shapes: level -> `[B, Hl, Wl, any]` in; level -> `[B, Hl, Wl, widths[i]]` out, for levels 5, 4,
    3, ...: one for each entry of `repeats`.

    Args:
      repeats: number of blocks at levels 5, 4, 3, ...; N in the paper. Large: (18, 1, 1).
      widths: channels at the same levels; D in the paper. Large: (384, 384, 384).
      kernel_size: of the blocks' depthwise convolutions.
      se_ratio: squeeze-and-excite ratio of the blocks; 0 for none.
      drop_path: r, the rate at the finest level. The network has one rate per stage, which rises
        evenly over 5 stages of the backbone and then the levels of the decoder: with three levels
        6/8 r, 7/8 r and r at levels 5, 4 and 3. `resnet.drop_path` gives the rates before them.
      drop_path_rises: "level" as above, or "block": linearly from 0 at the first block of the
        decoder to r at the last, whatever their levels.
      norm: kind of norm after the projections.
      recompute: compute the inside of each block again in the backward pass instead of keeping it.
        This saves memory and costs time.
      se_activation: inside the squeeze-and-excite of the blocks, "relu" or "gelu" (large model).
      level_activation: after the last block of each level, before the level goes to the next one
        and to the pyramid: "gelu" (large model), "relu", or None for none.

    Raises:
      UserError: `repeats` and `widths` differ in length, or have no entry or more than four.

    Source: MaskConver section 3.2 and figure 3.
    """

    def __init__(
        self,
        repeats: Sequence[int] = (18, 1, 1),
        widths: Sequence[int] = (384, 384, 384),
        kernel_size: int = 7,
        se_ratio: float = 1 / 16,
        drop_path: float = 0.0,
        norm: NormKind = "layer",
        recompute: bool = False,
        se_activation: ActivationKind = "relu",
        level_activation: ActivationKind | None = None,
        drop_path_rises: DropPathRise = "level",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_lists(_NAME, (1, 1, 1), _is_repeat, "whole numbers from 0 to 1000", repeats=repeats)
        check_lists(_NAME, (96, 96, 96), _is_width, "whole numbers from 1", widths=widths)
        check_whole_numbers(_NAME, 1, LARGEST_WIDTH, kernel_size=kernel_size)
        check_numbers(_NAME, 0, 1, se_ratio=se_ratio, drop_path=drop_path)
        check_flags(_NAME, recompute=recompute)
        check_choices(_NAME, ("level", "block"), drop_path_rises=drop_path_rises)
        if len(repeats) != len(widths) or not 1 <= len(repeats) <= 4:
            raise UserError(
                f"ConvNeXtUNet.repeats = {tuple(repeats)} and widths = {tuple(widths)}: "
                "expected one entry per level from 5 downward, 1 to 4 entries, as many in both, "
                "such as (1, 1, 1) and (96, 64, 48)"
            )
        self._config = {
            "repeats": list(repeats),
            "widths": list(widths),
            "kernel_size": kernel_size,
            "se_ratio": se_ratio,
            "drop_path": drop_path,
            "norm": norm,
            "recompute": recompute,
            "se_activation": se_activation,
            "level_activation": level_activation,
            "drop_path_rises": drop_path_rises,
        }
        self.level_activation = make_optional_activation(
            level_activation, "ConvNeXtUNet.level_activation"
        )
        self.levels = [5 - i for i in range(len(repeats))]
        self.laterals = {str(k): _projection(d, norm) for k, d in zip(self.levels, widths)}
        self.climbs = {str(k): _projection(d, norm) for k, d in zip(self.levels[1:], widths[1:])}
        rates = iter(_drop_rates(drop_path, drop_path_rises, repeats))
        settings = {"se_ratio": se_ratio, "recompute": recompute, "se_activation": se_activation}
        self.stacks = {
            str(k): [
                ConvNeXtSEBlock(d, kernel_size, drop_path=next(rates), **settings) for _ in range(n)
            ]
            for k, n, d in zip(self.levels, repeats, widths)
        }

    def call(
        self, features: dict[int, tf.Tensor], training: bool | None = None
    ) -> dict[int, tf.Tensor]:
        pyramid = {}
        for level in self.levels:
            feature = take_level(features, level, "ConvNeXtUNet.repeats")
            x = self.laterals[str(level)](feature, training=training)
            if level + 1 in pyramid:
                above = self.climbs[str(level)](pyramid[level + 1], training=training)
                x += repeat_to_size(above, x.shape[1], x.shape[2])
            for block in self.stacks[str(level)]:
                x = block(x, training=training)
            pyramid[level] = self.level_activation(x)
        return pyramid

    def get_config(self):
        return super().get_config() | self._config


def _projection(width: int, norm: NormKind) -> tf_keras.Sequential:
    convolution = tf_keras.layers.Conv2D(
        width, 1, use_bias=False, kernel_initializer=convnext_weights()
    )
    return tf_keras.Sequential([convolution, make_norm(norm, "norm")])


def _drop_rates(last: float, rises: DropPathRise, repeats: Sequence[int]) -> list[float]:
    """Returns the drop path rate of each block, level 5 first."""
    if rises == "block":
        count = sum(repeats)
        return [last * i / max(count - 1, 1) for i in range(count)]
    stages = _BACKBONE_STAGES + len(repeats)
    return [
        last * stage / stages
        for stage, n in enumerate(repeats, start=_BACKBONE_STAGES + 1)
        for _ in range(n)
    ]
