"""Pyramid levels as models use them: checks of settings that name levels, and their sum."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import tensorflow as tf

from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.layers.lateral import Lateral
from maskconver_tf.ops.resize import level_size, repeat_to_size

_FINEST_LEVEL, _COARSEST_LEVEL = 0, 9
"""Levels that a setting may name: from the pixels themselves to a stride of 512."""


def check_levels(where: str, levels: object) -> None:
    """Checks a setting that names pyramid levels.

    Args:
      where: the setting, for the message: "MaskConver.center_levels".
      levels: its value.

    Raises:
      UserError: the value is not a tuple or list of different levels.
    """
    is_list = isinstance(levels, (tuple, list)) and levels and all(map(_is_level, levels))
    if not is_list or len({*levels}) < len(levels):
        raise UserError(
            f"{where} = {typed_repr(levels)}: expected different whole numbers "
            f"from {_FINEST_LEVEL} to {_COARSEST_LEVEL}, such as (3, 4, 5)"
        )


def check_level(where: str, level: object) -> None:
    """Checks a setting that names one pyramid level; arguments and errors as in `check_levels`."""
    if not _is_level(level):
        raise UserError(
            f"{where} = {typed_repr(level)}: expected a whole number from "
            f"{_FINEST_LEVEL} to {_COARSEST_LEVEL}, such as 2"
        )


def check_center_and_mask_levels(
    fuse_level: int | None, center_levels: Sequence[int], mask_level: int, mask_lateral: bool
) -> None:
    """Checks the settings of `MaskConver` that name levels; raises `UserError`."""
    check_levels("MaskConver.center_levels", center_levels)
    check_level("MaskConver.mask_level", mask_level)
    if fuse_level is not None and [*center_levels, mask_level] != [fuse_level, fuse_level]:
        raise UserError(
            f"MaskConver.fuse_level = {fuse_level}: found center_levels = {tuple(center_levels)} "
            f"and mask_level = {mask_level}; set center_levels = ({fuse_level},) and mask_level = "
            f"{fuse_level}"
        )
    if fuse_level is not None and mask_lateral:
        raise UserError(
            f"MaskConver.fuse_level = {fuse_level} and mask_lateral = True exclude each other, "
            "because fused heads already take the backbone's feature; set mask_lateral = False"
        )


def check_has_center_levels(center_levels: Sequence[int], levels: Collection[int]) -> None:
    """Raises `UserError` if a center level is not among the levels of decoder and pyramid."""
    if missing := sorted(set(center_levels) - set(levels)):
        raise UserError(
            f"MaskConver.center_levels = {tuple(center_levels)}: the pixel decoder gives levels "
            f"{sorted(levels)}, not {missing}; name levels it gives, or add a pyramid "
            "(LightFPN.max_level)"
        )


def check_same_width(model: str, levels: dict[int, tf.Tensor], mask_level: int) -> None:
    """Checks that heads can share their weights over the levels, and that a mask grid fits.

    Args:
      model: name of the model's class, for the message.
      levels: level -> feature `[B, Hl, Wl, width]` of the decoder, or of the pyramid.
      mask_level: level of the mask grid.

    Raises:
      UserError: two levels differ in width, or all levels are finer than the mask grid.
    """
    widths = {level: levels[level].shape[-1] for level in sorted(levels)}
    if len({*widths.values()}) > 1:
        raise UserError(
            f"{model}: the levels of its pixel decoder have the widths {widths}, but heads and "
            "masks need one width. Give ConvNeXtUNet.widths one number for all levels, or bind "
            f"{model}.pyramid = @LightFPN()"
        )
    if mask_level > max(levels):
        raise UserError(
            f"{model}.mask_level = {mask_level}: the coarsest level of the pixel decoder is "
            f"{max(levels)}; choose this level or a finer one, such as 2"
        )


def check_can_mirror(width: int, coarsest_level: int) -> None:
    """Checks that a picture and its mirror image have their cells at the same places.

    Raises:
      UserError: the cells of the coarsest center level reach past the input.
    """
    if width % (stride := 2**coarsest_level):
        raise UserError(
            f"MaskConver.flip_at_inference: the input is {width} pixels wide; expected a multiple "
            f"of {stride} pixels, a cell of center level {coarsest_level}. Choose such an "
            "INPUT_SIZE, or set MaskConver.flip_at_inference = False"
        )


def take_level(features: dict[int, tf.Tensor], level: int, setting: str) -> tf.Tensor:
    """Returns one level of the backbone's features.

    Raises:
      UserError: the backbone does not have it; the message names `setting`, which asks for it.
    """
    if level not in features:
        raise UserError(
            f"{setting} asks for level {level}, but the backbone has the levels "
            f"{sorted(features)}; choose one of them, or another backbone"
        )
    return features[level]


def levels_for_heads(
    features: dict[int, tf.Tensor],
    levels: dict[int, tf.Tensor],
    fuse_level: int | None,
    mask_level: int,
) -> tuple[dict[int, tf.Tensor], tf.Tensor | None]:
    """Returns the levels that the heads of `MaskConver` take, and the finer feature that they fuse.

    Args:
      features: level -> feature of the backbone.
      levels: level -> feature of the decoder, or of the pyramid.
      fuse_level: level of the finer feature; None if the heads fuse none.
      mask_level: level of the mask grid.

    Raises:
      UserError: heads and masks do not fit the levels, or the backbone lacks `fuse_level`.
    """
    if fuse_level is None:
        check_same_width("MaskConver", levels, mask_level)
        return levels, None
    finer = take_level(features, fuse_level, "MaskConver.fuse_level")
    return {fuse_level: levels[min(levels)]}, finer


def sum_levels(levels: dict[int, tf.Tensor], input_size: tuple[int, int], finest: int) -> tf.Tensor:
    """Sums all levels on the grid of level `finest`.

    From the coarsest level on, the sum is doubled in size and the next finer level is added.
    """
    total = levels[max(levels)]
    for level in range(max(levels) - 1, finest - 1, -1):
        total = repeat_to_size(total, *level_size(input_size, level))
        if level in levels:
            total += levels[level]
    return total


def sum_on_mask_grid(
    levels: dict[int, tf.Tensor],
    features: dict[int, tf.Tensor],
    input_size: tuple[int, int],
    mask_level: int,
    lateral: Lateral | None,
    training: bool | None,
) -> tf.Tensor:
    """Sums all levels on the mask grid, and the backbone's finest feature if there is a `Lateral`.

    Args:
      levels: level -> feature `[B, Hl, Wl, D]` of the decoder, or of the pyramid.
      features: level -> feature of the backbone.

    Returns:
      `[B, h, w, D]`.
    """
    if lateral is None:
        return sum_levels(levels, input_size, mask_level)
    finest = max(mask_level, min(features))
    feature = take_level(features, finest, "MaskConver.mask_lateral")
    summed = lateral(sum_levels(levels, input_size, finest), feature, training=training)
    return sum_levels({finest: summed}, input_size, mask_level)


def _is_level(value: object) -> bool:
    return type(value) is int and _FINEST_LEVEL <= value <= _COARSEST_LEVEL
