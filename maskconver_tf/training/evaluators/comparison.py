"""Draws a picture, its truth and its prediction side by side."""

from __future__ import annotations

import numpy as np

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.inference.drawing.panoptic_drawing import draw_panoptic_map
from maskconver_tf.inference.drawing.picture_rows import join_side_by_side

SegmentedMap = tuple[np.ndarray, list[types.Segment]]
"""Integer map `[h, w]` and its segments."""


def draw_comparison(
    example: dict[str, np.ndarray],
    truth: SegmentedMap,
    prediction: SegmentedMap,
    categories: Categories,
) -> np.ndarray:
    """Draws one picture at input size.

    Args:
      example: a decoded record. `IMAGE` is the padded input, `CONTENT_SIZE` its size without
        padding.
      truth: the true map at original size.
      prediction: the predicted map at original size.
      categories: the class list.

    Returns:
      image, truth and prediction with their titles, uint8 `[about h, about 3 w, 3]`.
    """
    height, width = example[types.CONTENT_SIZE]
    image = example[types.IMAGE][:height, :width]
    full_height, full_width = prediction[0].shape
    rows = np.arange(height) * full_height // height
    columns = np.arange(width) * full_width // width

    def drawn(panoptic_map: np.ndarray, segments: list[types.Segment]) -> np.ndarray:
        return draw_panoptic_map(image, panoptic_map[np.ix_(rows, columns)], segments, categories)

    pictures = [image, drawn(*truth), drawn(*prediction)]
    return join_side_by_side(pictures, ["image", "truth", "prediction"])
