"""The two graphs of a LiteRT export: the whole model, and its heads alone."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.export.litert.lite_fusion import fuse_at_input_size
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.models.heads import HeadOutputs
from maskconver_tf.models.maskconver import MaskConver
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
    if segmenter.model.get_config()["flip_at_inference"]:
        raise UserError(
            "--to litert: found MaskConver.flip_at_inference = True, which takes twice the time; "
            "export without it: --gin.MaskConver.flip_at_inference=False. Or export with "
            "--to saved_model"
        )
    if segmenter.model.mask_level < 1:
        raise UserError(
            "--to litert: found MaskConver.mask_level = 0; expected at least 1. Export it with "
            "--to saved_model"
        )


def heads_graph(segmenter: PanopticSegmenter) -> tf.types.experimental.ConcreteFunction:
    """Traces a uint8 picture `[1, H, W, 3]` to `HEATMAP`, `EMBEDDINGS` and `FEATURES`."""

    def compute(image: tf.Tensor) -> dict[str, tf.Tensor]:
        heads = segmenter.model.compute_heads(image, training=False)
        outputs = {HEATMAP.format(level): x for level, x in heads.heatmap_logits.items()}
        outputs |= {EMBEDDINGS.format(level): x for level, x in heads.embeddings.items()}
        outputs[FEATURES] = heads.mask_features
        return {name: tf.cast(x, tf.float32) for name, x in outputs.items()}

    return _trace(compute, segmenter)


def whole_graph(segmenter: PanopticSegmenter) -> tf.types.experimental.ConcreteFunction:
    """Traces a uint8 picture `[1, H, W, 3]` to the outputs of `fuse_at_input_size`."""
    model, fusion = segmenter.model, segmenter.fusion

    def segment(image: tf.Tensor) -> dict[str, tf.Tensor]:
        heads = model.compute_heads(image, training=False)
        with tf.name_scope(AFTER_HEADS):
            proposals = _propose(model, heads)
            return fuse_at_input_size(
                proposals,
                fusion,
                np.asarray(segmenter.categories.is_thing),
                np.asarray(segmenter.categories.source_ids, np.int32),
                2**model.mask_level,
                segmenter.score_curves,
            )

    return _trace(segment, segmenter)


def _propose(model: MaskConver, heads: HeadOutputs) -> dict[str, tf.Tensor]:
    """The proposals of one picture, without the batch axis, as `fuse_at_input_size` takes them."""
    proposals = model.make_proposals(heads, training=False)
    names = (types.PROPOSAL_SCORES, types.PROPOSAL_CLASS_IDS)
    names_of_floats = (types.MASK_EMBEDDINGS, types.MASK_FEATURES)
    return {name: proposals[name][0] for name in names} | {
        name: tf.cast(proposals[name], tf.float32)[0] for name in names_of_floats
    }


def _trace(function, segmenter: PanopticSegmenter) -> tf.types.experimental.ConcreteFunction:
    image = tf.TensorSpec([1, *segmenter.input_size, 3], tf.uint8, name=signatures.IMAGE)
    traced = tf.function(function, input_signature=[image], autograph=False)
    return traced.get_concrete_function()
