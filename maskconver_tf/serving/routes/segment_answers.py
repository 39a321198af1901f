"""The forms of a segmented picture for people: JSON with run lengths, id map, and drawing."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.inference import signatures
from maskconver_tf.inference.drawing.panoptic_drawing import draw_panoptic_map
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.serving.routes.upright_picture import upright_picture
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.types import Segment

_QUALITY = 92


def as_json(rows: Mapping[str, np.ndarray], version: ModelVersion) -> bytes:
    """The fields of `Prediction.to_json`, each segment with its mask in COCO's compressed RLE.

    A picture that the model shrinks much has the field `warning`, too.
    """
    panoptic_map, categories = map_of(rows), version.categories
    prediction = Prediction(
        np.empty([0, 0, 3], np.uint8), panoptic_map, segments_of(rows, categories), categories
    )
    found = prediction.to_json()
    for segment in found["segments"]:
        segment["segmentation"] = _run_lengths(panoptic_map == segment["id"])
    if warning := version.warning(*panoptic_map.shape):
        found["warning"] = warning
    return json.dumps({"version": version.number} | found, ensure_ascii=False).encode()


def as_id_map(rows: Mapping[str, np.ndarray]) -> bytes:
    """The panoptic map as PNG: id = R + 256 G + 65536 B."""
    return bytes(rows[signatures.PANOPTIC_PNG])


def as_drawing(
    rows: Mapping[str, np.ndarray], categories: Categories, encoded: bytes, kind: str
) -> bytes:
    """Masks, outlines and names on the upright picture, as `Prediction.draw` makes them.

    Args:
      kind: "PNG" or "JPEG".
    """
    panoptic_map = map_of(rows)
    image = upright_picture(encoded, panoptic_map.shape, categories.pictures)
    drawn = draw_panoptic_map(image, panoptic_map, segments_of(rows, categories), categories)
    out = io.BytesIO()
    Image.fromarray(drawn).save(out, kind, quality=_QUALITY)
    return out.getvalue()


def map_of(rows: Mapping[str, np.ndarray]) -> np.ndarray:
    """int32 `[h, w]`: the panoptic map of an answer."""
    with Image.open(io.BytesIO(rows[signatures.PANOPTIC_PNG])) as picture:
        return rgb_to_ids(np.asarray(picture.convert("RGB")))


def segments_of(rows: Mapping[str, np.ndarray], categories: Categories) -> list[Segment]:
    """The segments of an answer, as the local API returns them."""
    count = int(rows[signatures.NUM_SEGMENTS])
    names = (
        signatures.SEGMENT_IDS,
        signatures.CATEGORY_IDS,
        signatures.SCORES,
        signatures.AREAS,
        signatures.BOXES,
    )
    columns = [rows[name][:count].tolist() for name in names]
    return [
        Segment(id=i, class_id=categories.class_id_of(c), score=s, area=a, box=tuple(box))
        for i, c, s, a, box in zip(*columns)
    ]


def _run_lengths(mask: np.ndarray) -> dict[str, Any]:
    found = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(found["size"]), "counts": found["counts"].decode("ascii")}
