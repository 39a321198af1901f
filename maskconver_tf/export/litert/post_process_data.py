"""Writes what `post_process.py` needs besides the outputs of the heads: settings and weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tf_keras

from maskconver_tf.export.litert.lite_fusion import class_thresholds
from maskconver_tf.files.json_file import write_json
from maskconver_tf.inference.litert import post_process
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.models.mask_embedding_generator import MaskEmbeddingGenerator

SETTINGS_FILE = "post_process.json"
WEIGHTS_FILE = "post_process.npz"
CODE_FILE = "post_process.py"


def write_post_process(folder: Path, segmenter: PanopticSegmenter) -> None:
    """Writes `CODE_FILE`, `SETTINGS_FILE` and `WEIGHTS_FILE` into the folder of an export."""
    code = Path(post_process.__file__).read_bytes()
    (folder / CODE_FILE).write_bytes(code)
    write_json(folder / SETTINGS_FILE, post_process_settings(segmenter))
    np.savez(folder / WEIGHTS_FILE, **post_process_weights(segmenter))


def post_process_settings(segmenter: PanopticSegmenter) -> dict:
    """Returns the settings that the code reads, as JSON values."""
    model, fusion = segmenter.model, segmenter.fusion
    generator = model.mask_embedding_generator.get_config()
    return {
        "center_levels": list(model.center_levels),
        "stride": 2**model.mask_level,
        "num_proposals": model.num_proposals,
        "class_embedding": generator["class_embedding"].replace("none", "add"),
        "norm": generator["norm"],
        "activation": generator["activation"],
        "epsilon": float(model.mask_embedding_generator.norm.epsilon),
        "overlap_threshold": fusion.overlap_threshold,
        "stuff_overlap_threshold": fusion.stuff_overlap_threshold,
        "min_area": fusion.min_area,
        "mask_quality": fusion.mask_quality,
        "runner_up": fusion.runner_up,
    }


def post_process_weights(segmenter: PanopticSegmenter) -> dict[str, np.ndarray]:
    """Returns the weights of the mask embedding generator, and one row for each class."""
    categories = segmenter.categories
    is_thing = np.asarray(categories.is_thing)
    generator = segmenter.model.mask_embedding_generator
    weights = {
        "is_thing": is_thing,
        "category_ids": np.asarray(categories.source_ids, np.int32),
        "thresholds": class_thresholds(segmenter.fusion, is_thing),
        "hidden": generator.hidden.kernel,
        "output": generator.output_dense.kernel,
        "output_bias": generator.output_dense.bias,
    } | _norm_weights(generator.norm)
    weights |= _position_weights(generator, len(categories))
    if (curves := segmenter.score_curves) is not None:
        weights |= {"curve_scores": curves.scores, "curve_shares": curves.shares}
    # Without class embeddings the code adds zeros.
    none = generator.get_config()["class_embedding"] == "none"
    shape = [len(categories), segmenter.model.get_config()["width"]]
    weights["table"] = np.zeros(shape, np.float32) if none else generator.class_embedding_table
    return {name: np.asarray(value) for name, value in weights.items()}


def _norm_weights(norm: tf_keras.layers.Layer) -> dict[str, np.ndarray]:
    """Scale and offset after the division of a layer norm, or of a whole batch norm."""
    scale, offset = np.asarray(norm.gamma), np.asarray(norm.beta)
    if not isinstance(norm, tf_keras.layers.LayerNormalization):
        scale = scale / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
        offset = offset - np.asarray(norm.moving_mean) * scale
    return {"norm_scale": scale, "norm_offset": offset}


def _position_weights(generator: MaskEmbeddingGenerator, num_classes: int) -> dict:
    config = generator.get_config()
    if not config["position"]:
        return {}
    dense = generator.falloff_dense
    if config["class_embedding"] == "none":
        table = np.zeros([num_classes, dense.bias.shape[0]], np.float32)
    else:
        table = generator.falloff_table
    return {"falloff": dense.kernel, "falloff_bias": dense.bias, "falloff_table": table}
