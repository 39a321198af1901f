"""The two graphs of a LiteRT export: the whole model, and its heads alone."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.export.litert.lite_fusion import fuse_at_input_size
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.models.chosen_centers import choose_centers, mean_of_neighbors
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.ops.positions import append_windows
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

HEATMAP = "center_heatmap_logits_{}"
"""Output of the heads for each center level: float32 `[1, Hl, Wl, C]`."""
EMBEDDINGS = "center_embeddings_{}"
"""float32 `[1, Hl, Wl, D]`, of each center level."""
FEATURES = types.MASK_FEATURES
"""float32 `[1, h, w, D]`."""
AFTER_HEADS = "after_heads"
"""Name scope of all that follows the heads. It stays in float32 in every file."""


def check_can_convert(segmenter: PanopticSegmenter) -> None:
    """Raises `UserError` if the model or its fusion has no LiteRT form."""
    for part, kind in ((segmenter.model, MaskConver), (segmenter.fusion, PanopticFusion)):
        if not isinstance(part, kind):
            raise UserError(
                f"--to litert: found the {type(part).__name__} of another model; only "
                f"{kind.__name__} can be converted. Export it with --to saved_model"
            )
    if segmenter.model.mask_level < 1:
        raise UserError(
            "--to litert: found MaskConver.mask_level = 0; expected at least 1. Export it with "
            "--to saved_model"
        )


def heads_graph(segmenter: PanopticSegmenter) -> tf.types.experimental.ConcreteFunction:
    """Traces a uint8 picture `[1, H, W, 3]` to `HEATMAP`, `EMBEDDINGS` and `FEATURES`."""

    def heads(image: tf.Tensor) -> dict[str, tf.Tensor]:
        logits, embeddings, features = compute_heads(segmenter.model, image)
        outputs = {HEATMAP.format(level): x for level, x in logits.items()}
        outputs |= {EMBEDDINGS.format(level): x for level, x in embeddings.items()}
        return {
            name: tf.cast(x, tf.float32) for name, x in (outputs | {FEATURES: features}).items()
        }

    return _trace(heads, segmenter)


def whole_graph(segmenter: PanopticSegmenter) -> tf.types.experimental.ConcreteFunction:
    """Traces a uint8 picture `[1, H, W, 3]` to the outputs of `fuse_at_input_size`."""
    model, fusion = segmenter.model, segmenter.fusion

    def segment(image: tf.Tensor) -> dict[str, tf.Tensor]:
        logits, embeddings, features = compute_heads(model, image)
        with tf.name_scope(AFTER_HEADS):
            proposals = _propose(model, logits, embeddings, features)
            return fuse_at_input_size(
                proposals,
                fusion,
                np.asarray(segmenter.categories.is_thing),
                np.asarray(segmenter.categories.source_ids, np.int32),
                2**model.mask_level,
            )

    return _trace(segment, segmenter)


def compute_heads(
    model: MaskConver, image: tf.Tensor
) -> tuple[dict[int, tf.Tensor], dict[int, tf.Tensor], tf.Tensor]:
    """Computes the first half of `MaskConver.call`: all that has weights per pixel.

    Returns:
      Level -> heatmap logits; level -> center embeddings; mask features.
    """
    features, levels = model.compute_features(image, False)
    levels, detail = model._levels_for_heads(features, levels)
    heads = model.center_heatmap_head, model.center_embedding_head
    logits, embeddings = (model._at_center_levels(x, levels, detail, False) for x in heads)
    summed = model._sum_on_mask_grid(features, levels, image.shape[1:3], False)
    mask_features = model.mask_feature_head(
        summed, level=model.mask_level, finer=detail, training=False
    )
    if model.get_config()["mean_of_peak"]:
        embeddings = mean_of_neighbors(embeddings)
    return logits, embeddings, mask_features


def _propose(model: MaskConver, logits, embeddings, features) -> dict[str, tf.Tensor]:
    """Computes the second half of `MaskConver.call`, without the batch axis."""
    chosen = choose_centers(None, logits, model.num_proposals, 0.0)
    mask_embeddings, middles, falloff = model._generate(embeddings, chosen, False)
    if falloff is not None:
        features, mask_embeddings = append_windows(
            features, mask_embeddings, middles, falloff, 2**model.mask_level
        )
    return {
        types.PROPOSAL_SCORES: chosen["scores"][0],
        types.PROPOSAL_CLASS_IDS: chosen["class_ids"][0],
        types.MASK_EMBEDDINGS: tf.cast(mask_embeddings, tf.float32)[0],
        types.MASK_FEATURES: tf.cast(features, tf.float32)[0],
    }


def _trace(function, segmenter: PanopticSegmenter) -> tf.types.experimental.ConcreteFunction:
    image = tf.TensorSpec([1, *segmenter.input_size, 3], tf.uint8, name=signatures.IMAGE)
    traced = tf.function(function, input_signature=[image], autograph=False)
    return traced.get_concrete_function()
