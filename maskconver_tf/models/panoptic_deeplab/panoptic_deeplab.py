"""Panoptic-DeepLab: a class for each pixel, and the center of its thing (arXiv 1911.10194)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.layers.norm import NormKind
from maskconver_tf.models.heads import LightHead
from maskconver_tf.models.levels import check_level, check_levels
from maskconver_tf.models.panoptic_deeplab.decoder import DeepLabDecoder
from maskconver_tf.models.trunk import check_image_size
from maskconver_tf.setting_checks import (
    LARGEST_WIDTH,
    check_lists,
    check_objects,
    check_whole_numbers,
    is_whole_number,
)


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class PanopticDeepLab(tf_keras.Model):
    """Predicts a class, a center score and an offset for each cell of stride 4.

    A semantic branch classifies cells. An instance branch scores centers of things, whatever their
    class, and tells each cell where the center of its thing is. `PanopticGrouping` makes segments
    of these outputs. Each branch has its own decoder.

    Shapes: images uint8 `[B, H, W, 3]`, H and W static multiples of 32, to `SEMANTIC_LOGITS`
    `[B, h, w, C]`, `CENTER_SCORES` `[B, h, w, 1]` and `CENTER_OFFSETS` `[B, h, w, 2]` in float32,
    in training and inference alike.

    Args:
      num_classes: C.
      backbone: images to level -> features.
      level: level of the backbone that both decoders start from; 4 in the paper, with a backbone
        that ends at stride 16.
      rates: dilation rates of the parallel branches of ASPP.
      aspp_width: channels of each branch of ASPP and of its output.
      dilated_pointwise: also dilate the 1x1 after a depthwise convolution, see `ASPP`.
      lateral_levels: levels that the decoders add, coarsest first; the last is 2.
      semantic_laterals: channels of the lateral features in the semantic branch.
      semantic_width: channels of the semantic branch after ASPP, and of its head.
      instance_laterals: channels of the lateral features in the instance branch.
      instance_width: channels of the instance branch after ASPP.
      instance_head_width: channels of the heads for centers and offsets.
      kernel_size: side of the depthwise convolutions in decoders and heads.
      norm: kind of norm of decoders and heads.

    Raises:
      UserError: a setting has a value that it cannot have.

    Source: Panoptic-DeepLab (arXiv 1911.10194), section 3.1.
    """

    mask_level = 2
    """Level of the outputs, stride 4."""
    center_levels = (2,)
    """The one level of the centers."""

    def __init__(
        self,
        num_classes: int,
        backbone: tf_keras.layers.Layer,
        level: int = 4,
        rates: Sequence[int] = (6, 12, 18),
        aspp_width: int = 256,
        dilated_pointwise: bool = False,
        lateral_levels: Sequence[int] = (3, 2),
        semantic_laterals: Sequence[int] = (64, 32),
        semantic_width: int = 256,
        instance_laterals: Sequence[int] = (32, 16),
        instance_width: int = 128,
        instance_head_width: int = 32,
        kernel_size: int = 5,
        norm: NormKind = "batch",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_objects("PanopticDeepLab", backbone=(backbone, "call", "@resnet()"))
        check_level("PanopticDeepLab.level", level)
        widths = {"semantic_width": semantic_width, "instance_width": instance_width}
        widths |= {"aspp_width": aspp_width, "instance_head_width": instance_head_width}
        check_whole_numbers("PanopticDeepLab", 1, LARGEST_WIDTH, **widths, kernel_size=kernel_size)
        laterals = {"semantic_laterals": semantic_laterals, "instance_laterals": instance_laterals}
        _check_laterals(level, lateral_levels, laterals)
        self._config = {
            "num_classes": num_classes,
            "level": level,
            "rates": list(rates),
            "dilated_pointwise": dilated_pointwise,
            "lateral_levels": list(lateral_levels),
            "kernel_size": kernel_size,
            "norm": norm,
            **widths,
            **{name: list(value) for name, value in laterals.items()},
        }
        self.backbone = backbone
        self.semantic_decoder = self._decoder("semantic", semantic_laterals, semantic_width)
        self.instance_decoder = self._decoder("instance", instance_laterals, instance_width)
        self.semantic_head = self._head("semantic_head", num_classes, semantic_width)
        self.center_head = self._head("center_head", 1, instance_head_width)
        self.offset_head = self._head("offset_head", 2, instance_head_width)

    def _decoder(self, branch: str, lateral_widths: Sequence[int], width: int) -> DeepLabDecoder:
        names = ("level", "rates", "aspp_width", "dilated_pointwise", "lateral_levels")
        return DeepLabDecoder(
            lateral_widths=lateral_widths,
            width=width,
            **{name: self._config[name] for name in (*names, "kernel_size", "norm")},
            name=f"{branch}_decoder",
        )

    def _head(self, name: str, channels: int, width: int) -> LightHead:
        return LightHead(
            channels,
            width,
            repeats=1,
            kernel_size=self._config["kernel_size"],
            levels=[self.mask_level],
            norm=self._config["norm"],
            float32_output=True,
            name=name,
        )

    @property
    def num_classes(self) -> int:
        return self._config["num_classes"]

    def call(
        self,
        images: tf.Tensor,
        centers: dict[str, tf.Tensor] | None = None,
        training: bool | None = None,
    ) -> dict[str, tf.Tensor]:
        """Computes both branches.

        Args:
          images: uint8 `[B, H, W, 3]`.
          centers: the true centers, which every panoptic model gets in training; not used.
          training: Keras' flag.
        """
        check_image_size(images)
        level = self.mask_level
        features = self.backbone(images, training=training)
        semantic = self.semantic_decoder(features, training=training)
        instance = self.instance_decoder(features, training=training)
        offsets = self.offset_head(instance, level=level, training=training)  # In cells.
        return {
            types.SEMANTIC_LOGITS: self.semantic_head(semantic, level=level, training=training),
            types.CENTER_SCORES: self.center_head(instance, level=level, training=training),
            types.CENTER_OFFSETS: offsets * 2.0**level,
        }

    def get_config(self):
        backbone = tf_keras.utils.serialize_keras_object(self.backbone)
        return {"name": self.name, "backbone": backbone} | self._config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        backbone = tf_keras.utils.deserialize_keras_object(config["backbone"], custom_objects)
        return cls(**{**config, "backbone": backbone})


def _check_laterals(
    level: int, lateral_levels: Sequence[int], widths: dict[str, Sequence[int]]
) -> None:
    where = "PanopticDeepLab.lateral_levels"
    check_levels(where, lateral_levels)
    if [*lateral_levels] != sorted(lateral_levels, reverse=True) or lateral_levels[-1] != 2:
        raise UserError(
            f"{where} = {tuple(lateral_levels)}: expected levels from coarse to fine that end at "
            "2, the level of the outputs, such as (3, 2)"
        )
    if lateral_levels[0] >= level:
        raise UserError(
            f"{where} = {tuple(lateral_levels)}: found level {lateral_levels[0]}, but "
            f"PanopticDeepLab.level = {level} must be coarser than all of them; leave out the "
            "coarser levels, or set a higher PanopticDeepLab.level"
        )
    check_lists(
        "PanopticDeepLab",
        (64, 32),
        lambda value: is_whole_number(value, 1, LARGEST_WIDTH),
        "whole numbers from 1",
        **widths,
    )
    for name, value in widths.items():
        if len(value) != len(lateral_levels):
            raise UserError(
                f"PanopticDeepLab.{name} = {tuple(value)}: found {len(value)} widths for the "
                f"{len(lateral_levels)} lateral levels {tuple(lateral_levels)}; give one for each"
            )
