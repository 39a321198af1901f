"""Draws a panoptic map over its picture: colored masks with outlines, names and scores."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.segment_numbers import number_segments
from maskconver_tf.inference.drawing.border_distance import border_distance
from maskconver_tf.inference.drawing.fonts import can_write
from maskconver_tf.inference.drawing.label_drawing import draw_label, font_size_for, label_size
from maskconver_tf.inference.drawing.label_places import place_labels
from maskconver_tf.inference.drawing.segment_colors import segment_colors
from maskconver_tf.types import Segment

_VOID_BRIGHTNESS = 0.6
_FADING = 0.6
"""Share of the picture's own colors that turns gray under a segment, so that colors do not mix."""
_LUMA = np.array([0.3, 0.6, 0.1], np.float32)
_MAX_NAME = 28
_MIN_AREA = 1.5
"""A segment gets a label if its area is at least this share of the label's area. A label that hides
most of a small thing tells less than the thing itself."""


def draw_panoptic_map(
    image: np.ndarray,
    panoptic_map: np.ndarray,
    segments: Sequence[Segment],
    categories: Categories,
    alpha: float = 0.55,
    labels: str = "auto",
    outlines: bool = False,
) -> np.ndarray:
    """Draws a panoptic map, truth or prediction, over its picture.

    Each class has a color. Things of one class get shades of it, so that neighbors differ. A label
    has the class name of its segment and the score, if there is one. Void pixels are a little
    darker than in the picture.

    Args:
      image: uint8 `[h, w, 3]`.
      panoptic_map: integers `[h, w]`, `VOID_SEGMENT_ID` for void.
      segments: all segments of the map; only `id`, `class_id`, `is_crowd` and `score` are used.
      alpha: 0..1, strength of the colors.
      labels: "auto" for segments that are large enough, "all" or "none".
      outlines: draw the outline of each segment in its color, and leave the rest of the picture.

    Returns:
      uint8 `[h, w, 3]`.

    Raises:
      UserError: an argument is out of range, image and map differ in size, or the map has pixels of
        a segment that is not in `segments`.
    """
    _check_arguments(image, panoptic_map, alpha)
    index = number_segments(panoptic_map, segments, "the panoptic map")
    depth = border_distance(index)
    colors = segment_colors(index, segments, categories)
    if outlines:
        picture = _color_outlines(image, index, depth, colors)
    else:
        picture = _tint(image, index, colors, alpha)
        _draw_outlines(picture, depth, _line_width(index))
    if labels == "none":
        return picture
    return _draw_labels(picture, index, depth, colors, segments, categories, labels)


def _check_arguments(image: np.ndarray, panoptic_map: np.ndarray, alpha: float) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise UserError(
            f"The image is {image.dtype} of shape {image.shape}; expected uint8 [height, width, "
            "3]. Convert it, as in np.asarray(Image.open(FILE).convert('RGB'))"
        )
    if image.shape[:2] != panoptic_map.shape:
        raise UserError(
            f"The image is {image.shape[:2]} and the panoptic map {panoptic_map.shape}; draw a map "
            "over its own picture, at the same size"
        )
    if not 0 <= alpha <= 1:
        raise UserError(f"alpha is {alpha}; expected 0 (no color) to 1 (nothing but color)")


def _tint(image: np.ndarray, index: np.ndarray, colors: np.ndarray, alpha: float) -> np.ndarray:
    """Mixes each segment's color with the image and the gray image; uint8 `[h, w, 3]`."""
    original = np.full((len(colors), 1), (1 - alpha) * (1 - _FADING), np.float32)
    original[0] = _VOID_BRIGHTNESS
    gray = np.full((len(colors), 1), (1 - alpha) * _FADING, np.float32)
    gray[0] = 0
    luma = (image @ _LUMA)[..., np.newaxis]
    mixed = image * original[index] + luma * gray[index] + (colors * np.float32(alpha))[index]
    return mixed.astype(np.uint8)


def _color_outlines(
    image: np.ndarray, index: np.ndarray, depth: np.ndarray, colors: np.ndarray
) -> np.ndarray:
    """Draws a line inside each segment along its border, in its color; uint8 `[h, w, 3]`."""
    picture = image.copy()
    is_line = (depth <= 2 * _line_width(index)) & (index > 0)
    picture[is_line] = colors[index[is_line]]
    return picture


def _line_width(index: np.ndarray) -> int:
    """Width of a line in pixels: it grows with the picture, but not if most segments are small."""
    areas = np.bincount(index.ravel())[1:]
    typical = np.sqrt(np.median(areas[areas > 0])) if areas.any() else np.inf
    return max(1, round(min(min(index.shape) / 480, typical / 24)))


def _draw_outlines(picture: np.ndarray, depth: np.ndarray, width: int) -> None:
    """Draws a white line between segments and a dark line on both sides of it, in place."""
    _blend(picture, depth <= width, 255, 0.85)
    _blend(picture, (depth > width) & (depth <= 2 * width), 0, 0.45)


def _blend(picture: np.ndarray, mask: np.ndarray, gray: int, alpha: float) -> None:
    picture[mask] = picture[mask] * (1 - alpha) + gray * alpha


def _draw_labels(
    picture: np.ndarray,
    index: np.ndarray,
    depth: np.ndarray,
    colors: np.ndarray,
    segments: Sequence[Segment],
    categories: Categories,
    labels: str,
) -> np.ndarray:
    font_size = font_size_for(*index.shape)
    texts = [_label(segment, categories) for segment in segments]
    sizes = [label_size(text, font_size) for text in texts]
    canvas = Image.fromarray(picture)
    min_area = None if labels == "all" else _MIN_AREA
    for i, corner in place_labels(index, depth, sizes, min_area).items():
        draw_label(canvas, corner, texts[i], font_size, tuple(colors[i + 1].tolist()))
    return np.array(canvas)


def _label(segment: Segment, categories: Categories) -> str:
    """One line: class name, `(crowd)` for a crowd, and the score in percent if there is one."""
    category = categories[segment.class_id]
    name = " ".join(category.name.split())
    if not can_write(name):
        _hint_at_fonts()
        name = f"class {category.id}"
    if len(name) > _MAX_NAME:
        name = name[: _MAX_NAME - 3] + "..."
    crowd = " (crowd)" if segment.is_crowd else ""
    score = "" if segment.score is None else f" {100 * segment.score:.0f}%"
    return name + crowd + score


@functools.cache
def _hint_at_fonts() -> None:
    """Logs the hint once in a process."""
    logging.getLogger(__name__).warning(
        "No font on this machine has the letters of some class names. Pictures show their category "
        "ids instead. To see the names, install a font such as Noto Sans CJK (Debian: "
        "fonts-noto-cjk)."
    )
