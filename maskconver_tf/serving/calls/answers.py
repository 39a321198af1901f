"""Turns the fields of an answer into the `Prediction` of the local API."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.files.id_map import rgb_to_ids
from maskconver_tf.inference import signatures
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.serving.calls.failures import PictureRefused, RequestFailed
from maskconver_tf.serving.calls.pictures import upright_pixels
from maskconver_tf.types import Segment

CategoriesLike = Categories | str | Path
"""A class list, or the path of a `categories.json`."""


def as_categories(categories: CategoriesLike) -> Categories:
    if isinstance(categories, Categories):
        return categories
    return Categories.load(categories)


def prediction_of(
    fields: Mapping[str, Any], encoded: bytes, categories: Categories
) -> Prediction | PictureRefused:
    """Makes a prediction of the fields of `serving_default` for one picture.

    Args:
      fields: name -> value without the batch axis: arrays, or lists as JSON has them.
      encoded: the file that was sent.
      categories: the class list of the model.

    Returns:
      The prediction; or, for a file that the model cannot decode, the error to raise.

    Raises:
      RequestFailed: the answer has other fields, or a category that the class list lacks.
    """
    try:
        status = int(fields[signatures.STATUS])
        if status:
            message = _text(fields[signatures.STATUS_MESSAGE])
            return PictureRefused(f"the picture is refused: {message}", status)
        png = bytes(fields[signatures.PANOPTIC_PNG])
        with Image.open(io.BytesIO(png)) as picture:
            panoptic_map = rgb_to_ids(np.asarray(picture.convert("RGB")))
        segments = _segments(fields, categories)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise RequestFailed(
            f"the answer is not that of a model from `maskconver export` ({error!r}); check the "
            "name of the model and the class list"
        ) from error
    return Prediction(
        upright_pixels(encoded, panoptic_map.shape, categories.pictures),
        panoptic_map,
        segments,
        categories,
    )


def _segments(fields: Mapping[str, Any], categories: Categories) -> list[Segment]:
    count = int(fields[signatures.NUM_SEGMENTS])
    # JSON has more digits than float32, so the scores are rounded to it.
    scores = np.asarray(fields[signatures.SCORES], np.float32)[:count].tolist()
    names = (signatures.SEGMENT_IDS, signatures.CATEGORY_IDS, signatures.AREAS, signatures.BOXES)
    columns = [np.asarray(fields[name], np.int64)[:count].tolist() for name in names]
    return [
        Segment(id=i, class_id=categories.class_id_of(c), score=score, area=area, box=tuple(box))
        for score, i, c, area, box in zip(scores, *columns, strict=True)
    ]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
