"""MaskConver: panoptic segmentation with convolutions only (arXiv 2312.06052, figure 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.layers.norm import NormKind
from maskconver_tf.models.heads import LightHead
from maskconver_tf.models.mask_embedding_generator import ClassEmbedding, MaskEmbeddingGenerator
from maskconver_tf.models.trunk import Trunk, sum_levels
from maskconver_tf.ops.centers import flat_indices, flatten_levels, gather_cells
from maskconver_tf.ops.masks import mask_logits
from maskconver_tf.ops.peaks import top_k_centers

HEATMAP_PRIOR = 0.01
"""Initial score of every cell, so that the many empty ones do not swamp the first steps."""


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class MaskConver(Trunk):
    """Every segment, thing or stuff, is a center with a class; its mask is a dot product.

    Shapes: images uint8 `[B, H, W, 3]`, H and W static multiples of 32. Outputs are named in
    `types`: heatmap logits of every center level, and
    - given centers (training): `MASK_LOGITS` `[B, h, w, K]` for exactly those centers;
    - else: `PROPOSAL_SCORES`, `PROPOSAL_CLASS_IDS`, `MASK_EMBEDDINGS` of the K best peaks and
      `MASK_FEATURES`, so that no mask is made before low scores have left.

    Args:
      num_classes: C.
      backbone: images to level -> features.
      pixel_decoder: level -> features to level -> features of one width.
      pyramid: what extends the decoder's levels (`LightFPN`), or None.
      center_levels: levels that hold centers.
      mask_level: level of the mask grid; 2 is stride 4.
      width: D, of embeddings and mask features, and of the heads.
      head_repeats: units per head.
      head_kernel_size: of the heads' depthwise convolutions.
      hidden: of the mask embedding generator.
      class_embedding: see `MaskEmbeddingGenerator`.
      norm: kind of norm of heads and generator.
      fuse_level: None; or, as in the released mobile model, the one level of centers and masks, to
        which each head brings the decoder's finest level and adds the backbone's feature there.
      num_proposals: K at inference.
    """

    def __init__(
        self,
        num_classes: int,
        backbone: tf_keras.layers.Layer,
        pixel_decoder: tf_keras.layers.Layer,
        pyramid: tf_keras.layers.Layer | None = None,
        center_levels: Sequence[int] = (3, 4, 5, 6, 7),
        mask_level: int = 2,
        width: int = 256,
        head_repeats: int = 4,
        head_kernel_size: int = 7,
        hidden: int = 1024,
        class_embedding: ClassEmbedding = "add",
        norm: NormKind = "layer",
        num_proposals: int = 256,
        fuse_level: int | None = None,
        **kwargs,
    ):
        super().__init__(backbone, pixel_decoder, pyramid, **kwargs)
        _check_fuse_level(fuse_level, center_levels, mask_level)
        self._config = {
            "num_classes": num_classes,
            "center_levels": list(center_levels),
            "mask_level": mask_level,
            "width": width,
            "head_repeats": head_repeats,
            "head_kernel_size": head_kernel_size,
            "hidden": hidden,
            "class_embedding": class_embedding,
            "norm": norm,
            "num_proposals": num_proposals,
            "fuse_level": fuse_level,
        }
        self.center_levels = tuple(sorted(center_levels))
        self.mask_level = mask_level
        self.num_proposals = num_proposals
        self.fuse_level = fuse_level
        self._make_heads(
            width=width,
            repeats=head_repeats,
            kernel_size=head_kernel_size,
            norm=norm,
            fuses=fuse_level is not None,
        )
        self.mask_embedding_generator = MaskEmbeddingGenerator(
            num_classes, width, hidden, class_embedding, norm, name="mask_embedding_generator"
        )

    def _make_heads(self, width: int, **settings) -> None:
        self.center_heatmap_head = LightHead(
            self.num_classes,
            width,
            levels=self.center_levels,
            output_bias=-math.log((1 - HEATMAP_PRIOR) / HEATMAP_PRIOR),
            float32_output=True,
            name="center_heatmap_head",
            **settings,
        )
        self.center_embedding_head = LightHead(
            width, width, levels=self.center_levels, name="center_embedding_head", **settings
        )
        self.mask_feature_head = LightHead(
            width, width, levels=[self.mask_level], name="mask_feature_head", **settings
        )

    @property
    def num_classes(self) -> int:
        return self._config["num_classes"]

    def call(
        self,
        images: tf.Tensor,
        centers: dict[str, tf.Tensor] | None = None,
        training: bool | None = None,
    ) -> dict:
        """Runs the figure from left to right.

        Args:
          images: uint8 `[B, H, W, 3]`.
          centers: `CENTER_LEVELS`, `CENTER_INDICES` and `SLOT_CLASS_IDS` of the true segments, to
            get their masks; None to find centers.
          training: Keras' flag.
        """
        features, levels = self.compute_features(images, training)
        detail = None
        if self.fuse_level is not None:
            levels = {self.fuse_level: levels[min(levels)]}
            detail = features[self.fuse_level]
        heatmap_logits = self._at_centers(self.center_heatmap_head, levels, detail, training)
        embeddings = self._at_centers(self.center_embedding_head, levels, detail, training)
        mask_features = self.mask_feature_head(
            sum_levels(levels, images.shape[1:3], self.mask_level),
            level=self.mask_level,
            finer=detail,
            training=training,
        )
        outputs = {types.CENTER_HEATMAP_LOGITS: heatmap_logits}
        if centers is None:
            found = top_k_centers(heatmap_logits, self.num_proposals)
            outputs[types.PROPOSAL_SCORES] = found["scores"]
            outputs[types.PROPOSAL_CLASS_IDS] = found["class_ids"]
        else:
            found = self._given_centers(centers, embeddings)
        mask_embeddings = self.mask_embedding_generator(
            gather_cells(flatten_levels(embeddings), found["flat_indices"]),
            found["class_ids"],
            training=training,
        )
        if centers is None:
            outputs[types.MASK_EMBEDDINGS] = mask_embeddings
            outputs[types.MASK_FEATURES] = mask_features
        else:
            outputs[types.MASK_LOGITS] = mask_logits(mask_features, mask_embeddings)
        return outputs

    def _at_centers(self, head, levels, detail, training) -> dict[int, tf.Tensor]:
        if missing := sorted(set(self.center_levels) - set(levels)):
            raise UserError(
                f"MaskConver.center_levels = {self.center_levels}: the pixel decoder gives levels "
                f"{sorted(levels)}, not {missing}; name levels it gives, or add a pyramid "
                "(LightFPN.max_level)"
            )
        return {
            k: head(levels[k], level=k, finer=detail, training=training) for k in self.center_levels
        }

    def _given_centers(self, centers, embeddings) -> dict[str, tf.Tensor]:
        sizes = {k: (x.shape[1], x.shape[2]) for k, x in embeddings.items()}
        indices = flat_indices(centers[types.CENTER_LEVELS], centers[types.CENTER_INDICES], sizes)
        return {"flat_indices": indices, "class_ids": centers[types.SLOT_CLASS_IDS]}

    def get_config(self):
        return {"name": self.name} | self.parts_config() | self._config


def _check_fuse_level(
    fuse_level: int | None, center_levels: Sequence[int], mask_level: int
) -> None:
    if fuse_level is not None and [*center_levels, mask_level] != [fuse_level, fuse_level]:
        raise UserError(
            f"MaskConver.fuse_level = {fuse_level}: centers and masks must both be on that level "
            f"alone; found center_levels = {tuple(center_levels)} and mask_level = {mask_level}"
        )
