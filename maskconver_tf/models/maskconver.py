"""MaskConver: panoptic segmentation with convolutions only (arXiv 2312.06052, figure 2)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.layers.activation import ActivationKind, make_activation
from maskconver_tf.layers.lateral import Lateral
from maskconver_tf.layers.norm import NormKind
from maskconver_tf.models.chosen_centers import choose_centers, level_sizes, mean_of_neighbors
from maskconver_tf.models.heads import HeadOutputs, LightHead, join_heads, logit_of_prior, mirror
from maskconver_tf.models.levels import (
    check_can_mirror,
    check_center_and_mask_levels,
    check_has_center_levels,
    levels_for_heads,
    sum_on_mask_grid,
)
from maskconver_tf.models.mask_embedding_generator import (
    ClassEmbedding,
    MaskEmbeddingGenerator,
    Position,
)
from maskconver_tf.models.trunk import Trunk, settings_of
from maskconver_tf.ops.centers import cell_middles, cells_of, flatten_levels, gather_cells
from maskconver_tf.ops.masks import mask_logits
from maskconver_tf.ops.positions import add_windows, append_windows, falloff_in_pixels
from maskconver_tf.setting_checks import (
    LARGEST_WIDTH,
    check_flags,
    check_numbers,
    check_whole_numbers,
)


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class MaskConver(Trunk):
    """Predicts a center with a class for every thing and every stuff region, and its mask.

    The mask is the dot product of the segment's embedding and the features of each pixel.

    Shapes: images uint8 `[B, H, W, 3]`, H and W static multiples of 32. `types` names the outputs:
    `CENTER_HEATMAP_LOGITS` of every center level, and
    - in training, where the true centers are given: `MASK_LOGITS` `[B, h, w, K]` of these centers,
      and with `semantic_branch` `SEMANTIC_LOGITS`;
    - in inference: `PROPOSAL_SCORES`, `PROPOSAL_CLASS_IDS`, `PROPOSAL_CENTERS` and
      `MASK_EMBEDDINGS` of the K highest peaks, and `MASK_FEATURES`. The fusion first drops low
      scores and then makes masks.

    Args:
      num_classes: C.
      backbone: images to level -> features.
      pixel_decoder: level -> features to level -> features of one width.
      pyramid: adds levels to those of the decoder (`LightFPN`), or None.
      center_levels: levels that have centers.
      mask_level: level of the mask grid; 2 is stride 4.
      width: D, channels of embeddings, mask features and heads.
      head_repeats: number of units in each head.
      head_kernel_size: side of the heads' depthwise convolutions.
      hidden: hidden width of the mask embedding generator.
      class_embedding: how the embedding of a segment's class joins that of its center: "add" as in
        the paper, "multiply" or "none"; see `MaskEmbeddingGenerator`.
      norm: kind of norm of the heads.
      fuse_level: None, or one level for centers and masks, as in the released mobile model. Each
        head then resizes the decoder's finest level to this level and adds the backbone's feature.
      num_proposals: K in inference: the largest number of segments of a prediction, before the
        fusion.
      embedding_norm: kind of norm of the mask embedding generator, "layer" in the paper.
      position: whether each mask gets a soft window around its center, with one falloff (True) or
        one in y and one in x ("two_axes"); see docs/decisions/position.md. Mask features and mask
        embeddings of inference then have 10 more channels, and are float32.
      activation: of heads and generator, "relu", or "gelu" as in the large model.
      heatmap_prior: score of every cell before training, above 0 and below 1. A low score keeps the
        loss of the many empty cells small. The paper's models have 0.1.
      semantic_branch: whether training also predicts the class of each mask cell from the summed
        levels, `SEMANTIC_LOGITS`. Its loss (`MaskConverLoss.semantic_weight`) teaches backbone and
        decoder the classes sooner. Inference leaves the branch out.
      center_jitter: 0..1, the share of the true centers whose embedding, and window, training takes
        at a random neighbor cell in the center's Gaussian, so that a peak may be a cell off.
      mean_of_peak: whether inference takes the mean of the embeddings of the 3x3 round each peak.
      mask_lateral: whether a `Lateral` adds the backbone's finest feature, of level 2 or of a
        coarser `mask_level`, to the sum of levels that the mask features are made from.
      coordinates: whether the heads of embeddings and mask features also see where a cell is, as in
        `LightHead`, to be measured against `position`.
      flip_at_inference: whether inference also looks at the mirror image, and takes the mean of
        both heatmaps and of both masks of each peak. It needs no training of its own, and twice
        the time. Mask features and mask embeddings then have D more channels.
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
        activation: ActivationKind = "relu",
        heatmap_prior: float = 0.01,
        embedding_norm: NormKind = "layer",
        position: Position = False,
        semantic_branch: bool = False,
        center_jitter: float = 0.0,
        mean_of_peak: bool = False,
        mask_lateral: bool = False,
        coordinates: bool = False,
        flip_at_inference: bool = False,
        **kwargs,
    ):
        arguments = locals()
        super().__init__(backbone, pixel_decoder, pyramid, **kwargs)
        sizes = {"width": width, "hidden": hidden, "head_kernel_size": head_kernel_size}
        check_whole_numbers("MaskConver", 1, LARGEST_WIDTH, **sizes, num_proposals=num_proposals)
        check_whole_numbers("MaskConver", 0, 1000, head_repeats=head_repeats)
        make_activation(activation, "MaskConver.activation")
        check_numbers("MaskConver", 0, 1, center_jitter=center_jitter)
        flags = {"mean_of_peak": mean_of_peak, "semantic_branch": semantic_branch}
        flags |= {"mask_lateral": mask_lateral, "flip_at_inference": flip_at_inference}
        flags |= {"coordinates": coordinates}
        check_flags("MaskConver", **flags)
        check_center_and_mask_levels(fuse_level, center_levels, mask_level, mask_lateral)
        self._config = settings_of(MaskConver, arguments) | {"center_levels": list(center_levels)}
        self.center_levels = tuple(sorted(center_levels))
        self.mask_level, self.fuse_level = mask_level, fuse_level
        self.num_proposals = num_proposals
        self._make_heads()
        self.mask_embedding_generator = MaskEmbeddingGenerator(
            num_classes,
            width,
            hidden,
            class_embedding,
            embedding_norm,
            activation,
            position,
            name="mask_embedding_generator",
        )

    def _make_heads(self) -> None:
        config = self._config
        width = config["width"]
        settings = {
            "repeats": config["head_repeats"],
            "kernel_size": config["head_kernel_size"],
            "norm": config["norm"],
            "fuses": config["fuse_level"] is not None,
            "activation": config["activation"],
        }
        self.center_heatmap_head = LightHead(
            self.num_classes,
            width,
            levels=self.center_levels,
            output_bias=logit_of_prior(config["heatmap_prior"]),
            float32_output=True,
            name="center_heatmap_head",
            **settings,
        )
        settings["coordinates"] = config["coordinates"]
        self.center_embedding_head = LightHead(
            width, width, levels=self.center_levels, name="center_embedding_head", **settings
        )
        self.mask_feature_head = LightHead(
            width, width, levels=[self.mask_level], name="mask_feature_head", **settings
        )
        self.mask_lateral = None
        if config["mask_lateral"]:
            self.mask_lateral = Lateral(config["norm"], name="mask_lateral")
        if config["semantic_branch"]:
            self.semantic_branch = tf_keras.layers.Conv2D(
                self.num_classes, 1, dtype="float32", name="semantic_branch"
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
        """Computes the paper's figure from left to right.

        Args:
          images: uint8 `[B, H, W, 3]`.
          centers: the true segments, for their masks, see `choose_centers`; None to find centers
            on the heatmap.
          training: Keras' flag.
        """
        heads = self.compute_heads(images, training, centers is None)
        outputs = {types.CENTER_HEATMAP_LOGITS: heads.heatmap_logits}
        if centers is None:
            proposals = self.make_proposals(heads, training)
            # The model's first call makes all weights and is one of inference, which has no branch.
            if self._config["semantic_branch"] and not self.semantic_branch.built:
                self.semantic_branch(heads.summed)
            return outputs | proposals
        jitter = self._config["center_jitter"] if training else 0.0
        chosen = choose_centers(centers, heads.heatmap_logits, self.num_proposals, jitter)
        mask_embeddings, middles, falloff = self._generate(heads.embeddings, chosen, training)
        if self._config["semantic_branch"]:
            outputs[types.SEMANTIC_LOGITS] = self.semantic_branch(heads.summed)
        logits = mask_logits(heads.mask_features, mask_embeddings)
        if falloff is not None:
            logits = add_windows(logits, middles, falloff, 2**self.mask_level)
        return outputs | {types.MASK_LOGITS: logits}

    def compute_heads(
        self, images: tf.Tensor, training: bool | None = None, for_peaks: bool = True
    ) -> HeadOutputs:
        """Computes backbone, pixel decoder and heads, of images uint8 `[B, H, W, 3]`.

        `for_peaks` says that the centers will be peaks of the heatmap, for `mean_of_peak` and
        `flip_at_inference`.
        """
        heads = self._heads_of(images, training, for_peaks)
        if not (for_peaks and self._config["flip_at_inference"]):
            return heads
        check_can_mirror(images.shape[2], max(self.center_levels))
        return join_heads(heads, self._heads_of(mirror(images), training, for_peaks))

    def _heads_of(self, images: tf.Tensor, training, for_peaks: bool) -> HeadOutputs:
        features, levels = self.compute_features(images, training)
        levels, detail = levels_for_heads(features, levels, self.fuse_level, self.mask_level)
        heatmap_logits = self._at_center_levels(self.center_heatmap_head, levels, detail, training)
        embeddings = self._at_center_levels(self.center_embedding_head, levels, detail, training)
        summed = sum_on_mask_grid(
            levels, features, images.shape[1:3], self.mask_level, self.mask_lateral, training
        )
        mask_features = self.mask_feature_head(
            summed, level=self.mask_level, finer=detail, training=training
        )
        if self._config["mean_of_peak"] and for_peaks:
            embeddings = mean_of_neighbors(embeddings)
        return HeadOutputs(heatmap_logits, embeddings, mask_features, summed)

    def make_proposals(
        self, heads: HeadOutputs, training: bool | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns the outputs of inference that follow the heads, for the highest peaks."""
        chosen = choose_centers(None, heads.heatmap_logits, self.num_proposals, 0.0)
        mask_embeddings, middles, falloff = self._generate(heads.embeddings, chosen, training)
        mask_features = heads.mask_features
        if falloff is not None:
            mask_features, mask_embeddings = append_windows(
                mask_features, mask_embeddings, middles, falloff, 2**self.mask_level
            )
        return {
            types.PROPOSAL_SCORES: chosen["scores"],
            types.PROPOSAL_CLASS_IDS: chosen["class_ids"],
            types.PROPOSAL_CENTERS: middles,
            types.MASK_EMBEDDINGS: mask_embeddings,
            types.MASK_FEATURES: mask_features,
        }

    def _generate(
        self, embeddings: dict[int, tf.Tensor], chosen: dict[str, tf.Tensor], training
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
        """Makes the mask embeddings of the chosen centers.

        Returns:
          Mask embeddings `[B, K, D]`; the middles of the centers' cells `[B, K, 2]` in input
          pixels; the falloff `[B, K, 2]` of their windows per squared input pixel, or None.
        """
        taken = gather_cells(flatten_levels(embeddings), chosen["flat_indices"])
        class_ids = chosen["class_ids"]
        generated = self.mask_embedding_generator.of_each_part(taken, class_ids, training)
        levels, cells = cells_of(chosen["flat_indices"], level_sizes(embeddings))
        middles = cell_middles(levels, cells)
        if not self._config["position"]:
            return generated, middles, None
        mask_embeddings, falloff = generated
        return mask_embeddings, middles, falloff_in_pixels(falloff, levels, class_ids >= 0)

    def _at_center_levels(self, head, levels, detail, training) -> dict[int, tf.Tensor]:
        """Applies a head to each center level."""
        check_has_center_levels(self.center_levels, levels)
        return {
            k: head(levels[k], level=k, finer=detail, training=training) for k in self.center_levels
        }

    def get_config(self):
        return {"name": self.name} | self.parts_config() | self._config
