"""Sends what the fusion starts from, so that a page can change thresholds by itself."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from maskconver_tf import types
from maskconver_tf.inference import signatures
from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.versions.model_version import ModelVersion

LEAST_SCORE = 0.05
"""Proposals below this score, and below the version's own threshold, are left out."""


def check_has_proposals(version: ModelVersion) -> None:
    """Raises `Refusal` for a model that groups pixels in place of proposals."""
    if not version.has_proposals:
        raise Refusal(
            406, "This model has no proposals; ask for application/json or image/png", "accept"
        )


def as_proposals(
    heads: Mapping[str, np.ndarray], image_size: tuple[int, int], version: ModelVersion
) -> bytes:
    """Encodes the proposals of one picture as JSON.

    `logits.data` is base64 of float32, little-endian, shape `[n, rows, columns]`: the mask logits
    of each proposal on the picture's cells of the mask grid. Proposals whose center lies in the
    padding are left out. The others keep their order, the highest score first.

    `scores` are those of the network, which the fusion uses. If the scores of segments are
    recalibrated, `score_curves` has the curve of each class: class id -> scores and shares of its
    points. Between its points a curve is straight, beyond them it is flat.

    A picture that the model shrinks much has the field `warning`, too.

    Args:
      heads: outputs of `raw_heads` for one picture.
      image_size: height and width of the upright picture.
    """
    content = heads[signatures.CONTENT_SIZE][0]
    stride = round(int(version.preprocessing["input_height"]) / heads[types.MASK_FEATURES].shape[1])
    rows, columns = (-(-content // stride)).tolist()
    kept = _kept(heads, content, _least_score(version))
    features = heads[types.MASK_FEATURES][0, :rows, :columns].astype(np.float32)
    embeddings = heads[types.MASK_EMBEDDINGS][0][kept].astype(np.float32)
    logits = np.moveaxis(features @ embeddings.T, -1, 0).astype("<f4")
    found = {
        "version": version.number,
        "height": image_size[0],
        "width": image_size[1],
        "mask_stride": stride,
        "content_size": content.tolist(),
        "fusion": version.fusion,
        "scores": heads[types.PROPOSAL_SCORES][0][kept].astype(float).tolist(),
        "class_ids": heads[types.PROPOSAL_CLASS_IDS][0][kept].tolist(),
        "logits": {
            "dtype": "float32",
            "shape": list(logits.shape),
            "data": base64.b64encode(np.ascontiguousarray(logits).tobytes()).decode("ascii"),
        },
    }
    if version.recalibration is not None:
        names = version.categories.names
        found["score_curves"] = {
            class_id: dataclasses.astuple(version.recalibration.curve(names[class_id]))
            for class_id in sorted(set(found["class_ids"]))
        }
    if warning := version.warning(*image_size):
        found["warning"] = warning
    return json.dumps(found).encode()


def _least_score(version: ModelVersion) -> float:
    own = [version.fusion.get("score_threshold"), version.fusion.get("stuff_score_threshold")]
    own += list(version.fusion.get("class_score_thresholds") or [])
    return min([LEAST_SCORE, *(value for value in own if value is not None)])


def _kept(heads: Mapping[str, Any], content: np.ndarray, least: float) -> np.ndarray:
    """Positions of the proposals that can take part; see `postprocess.candidates`."""
    scores = heads[types.PROPOSAL_SCORES][0]
    doubled = (2 * heads[types.PROPOSAL_CENTERS][0]).astype(np.int64)
    cell_sizes = doubled & -doubled
    inside = np.all(doubled - cell_sizes < 2 * content, axis=1)
    order = np.argsort(-scores, kind="stable")
    return order[(scores >= np.float32(least))[order] & inside[order]]
