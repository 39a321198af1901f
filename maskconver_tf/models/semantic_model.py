"""Semantic segmentation on MaskConver's trunk: the stage before panoptic training."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.layers.activation import ActivationKind, make_activation
from maskconver_tf.layers.norm import NormKind
from maskconver_tf.models.heads import LightHead
from maskconver_tf.models.levels import check_level, check_same_width, sum_levels
from maskconver_tf.models.trunk import Trunk
from maskconver_tf.setting_checks import LARGEST_WIDTH, check_whole_numbers


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class SemanticModel(Trunk):
    """Predicts a class for each cell: MaskConver's mask features times one embedding per class.

    MaskConver makes a mask from the embedding of a segment; this model makes it from the learned
    embedding of a class. Backbone, decoder, pyramid and mask feature head are the same as in
    MaskConver, so that a panoptic run can start from all of their weights.

    Shapes: images uint8 `[B, H, W, 3]`, H and W static multiples of 32, to `SEMANTIC_LOGITS`
    float32 `[B, h, w, C]` on the mask grid.

    Args:
      num_classes: C.
      backbone: images to level -> features.
      pixel_decoder: level -> features to level -> features of one width.
      pyramid: adds levels to those of the decoder, or None.
      mask_level: level of the mask grid; 2 is stride 4.
      width: D, channels of the mask features.
      head_repeats: number of units of the head.
      head_kernel_size: side of the head's depthwise convolutions.
      norm: kind of norm of the head.
      activation: of the head, "relu", or "gelu" as in the large model.
    """

    def __init__(
        self,
        num_classes: int,
        backbone: tf_keras.layers.Layer,
        pixel_decoder: tf_keras.layers.Layer,
        pyramid: tf_keras.layers.Layer | None = None,
        mask_level: int = 2,
        width: int = 256,
        head_repeats: int = 4,
        head_kernel_size: int = 7,
        norm: NormKind = "layer",
        activation: ActivationKind = "relu",
        **kwargs,
    ):
        super().__init__(backbone, pixel_decoder, pyramid, **kwargs)
        sizes = {"width": width, "head_kernel_size": head_kernel_size}
        check_whole_numbers("SemanticModel", 1, LARGEST_WIDTH, **sizes)
        check_whole_numbers("SemanticModel", 0, 1000, head_repeats=head_repeats)
        make_activation(activation, "SemanticModel.activation")
        check_level("SemanticModel.mask_level", mask_level)
        self._config = {
            "num_classes": num_classes,
            "mask_level": mask_level,
            "width": width,
            "head_repeats": head_repeats,
            "head_kernel_size": head_kernel_size,
            "norm": norm,
            "activation": activation,
        }
        self.mask_level = mask_level
        self.mask_feature_head = LightHead(
            width,
            width,
            head_repeats,
            head_kernel_size,
            levels=[mask_level],
            norm=norm,
            activation=activation,
            name="mask_feature_head",
        )
        self.class_embeddings = tf_keras.layers.Conv2D(
            num_classes, 1, dtype="float32", name="class_embeddings"
        )

    @property
    def num_classes(self) -> int:
        return self._config["num_classes"]

    def call(self, images: tf.Tensor, training: bool | None = None) -> dict[str, tf.Tensor]:
        _, levels = self.compute_features(images, training)
        check_same_width("SemanticModel", levels, self.mask_level)
        summed = sum_levels(levels, images.shape[1:3], self.mask_level)
        mask_features = self.mask_feature_head(summed, level=self.mask_level, training=training)
        return {types.SEMANTIC_LOGITS: self.class_embeddings(mask_features)}

    def get_config(self):
        return {"name": self.name} | self.parts_config() | self._config
