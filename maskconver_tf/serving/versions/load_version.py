"""Loads a version of an export with TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.files.json_file import read_json
from maskconver_tf.inference import signatures
from maskconver_tf.inference.exported_model import input_size_of, load_version
from maskconver_tf.inference.tiles.chosen_tile import known_window
from maskconver_tf.serving.versions.model_version import ModelVersion, Run
from maskconver_tf.serving.versions.read_signatures import read_signatures
from maskconver_tf.serving.versions.signature_info import STRING, SignatureInfo


def load_model_version(folder: Path, number: int) -> ModelVersion:
    """Loads a version.

    Raises:
      UserError: a file is missing or damaged, or the export finds no segments.
    """
    loaded = load_version(folder)
    infos, as_json = read_signatures((folder / "saved_model.pb").read_bytes())
    needed = (signatures.SERVING_DEFAULT, signatures.SERVING_WITH_THRESHOLDS)
    if missing := [name for name in needed if name not in infos]:
        raise UserError(
            f"{folder}: found an export without the signature {missing[0]}, so it is not a whole "
            "model with fusion. Export the run again, without --model_only"
        )
    assets = folder / "assets"
    provenance = _asset(assets / signatures.PROVENANCE_ASSET, "fusion")
    preprocessing = _asset(assets / signatures.PREPROCESSING_ASSET, "max_pixels")
    curves = assets / signatures.RECALIBRATION_ASSET
    return ModelVersion(
        number,
        Categories.load(assets / signatures.CATEGORIES_ASSET),
        infos,
        as_json,
        preprocessing,
        provenance["fusion"],
        tuple(sorted({1, *provenance.get("batch_sizes", ())})),
        _runner(loaded, infos),
        Recalibration.load(curves) if curves.is_file() else None,
        known_window(str(folder), input_size_of(folder)),
    )


def _asset(path: Path, key: str) -> dict[str, Any]:
    content = read_json(path, "an asset of the export")
    if not isinstance(content, dict) or key not in content:
        raise UserError(
            f"{path}: found no object with the key '{key}'. Copy the whole folder again, or write "
            "it again with `maskconver export`"
        )
    return content


def _runner(loaded: Any, infos: dict[str, SignatureInfo]) -> Run:
    """Makes `ModelVersion.run`; it keeps `loaded`, which owns the weights."""

    def run(signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        known = infos[signature].inputs
        tensors = {
            name: tf.constant(value, tf.string if known[name].dtype == STRING else value.dtype)
            for name, value in inputs.items()
        }
        found = loaded.signatures[signature](**tensors)
        return {name: np.asarray(value.numpy()) for name, value in found.items()}

    return run
