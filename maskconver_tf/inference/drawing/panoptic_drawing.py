"""Pictures for people: colored masks with outlines, names and scores, side by side with titles."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.segment_index import segment_index
from maskconver_tf.inference.drawing.border_distance import border_distance
from maskconver_tf.inference.drawing.label_places import place_labels
from maskconver_tf.inference.drawing.lettering import can_write, draw_plate, draw_text, plate_size
from maskconver_tf.inference.drawing.segment_colors import segment_colors
from maskconver_tf.types import Segment

_VOID_BRIGHTNESS = 0.6
_FADING = 0.6
"""How far the image loses its own colors under a segment's: they would muddy it."""
_LUMA = np.array([0.3, 0.6, 0.1], np.float32)
_MAX_NAME = 28
_BAR_COLOR = (17, 19, 24)


def draw_panoptic(
    image: np.ndarray,
    panoptic_map: np.ndarray,
    segments: Sequence[Segment],
    categories: Categories,
    alpha: float = 0.55,
) -> np.ndarray:
    """Draws a panoptic map, truth or prediction, over its picture.

    Every class has its color, each thing a shade of it that differs from its neighbors'. Segments
    large enough carry their name, and their score if they have one. Void is a little darker.

    Args:
      image: uint8 `[h, w, 3]`.
      panoptic_map: integers `[h, w]`, `VOID_SEGMENT_ID` for void.
      segments: every segment of the map; `id`, `class_id`, `is_crowd` and `score` are read.
      alpha: 0..1, strength of the colors.

    Returns:
      uint8 `[h, w, 3]`.

    Raises:
      UserError: an argument is out of range, image and map differ in size, or the map has pixels of
        a segment that is not listed.
    """
    _check_arguments(image, panoptic_map, alpha)
    index = segment_index(panoptic_map, segments, "the panoptic map")
    depth = border_distance(index)
    colors = segment_colors(index, segments, categories)
    picture = _tint(image, index, colors, alpha)
    _draw_outlines(picture, depth)
    return _draw_labels(picture, index, depth, colors, segments, categories)


def side_by_side(images: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """Joins pictures to a row with a title over each: image | truth | prediction.

    Args:
      images: uint8 `[h, w, 3]` each; scaled to the height of the first.
      titles: one for each.

    Returns:
      uint8 `[H, W, 3]`.
    """
    if len(images) == 0 or len(images) != len(titles):
        raise UserError(f"{len(images)} images have {len(titles)} titles; give each image one.")
    height = images[0].shape[0]
    scaled = [_scaled(image, height) for image in images]
    font_size = min(_font_size(*image.shape[:2]) for image in scaled)
    gap = np.full((height + _bar_height(font_size), max(2, height // 100), 3), _BAR_COLOR, np.uint8)
    row = []
    for image, title in zip(scaled, titles, strict=True):
        row += [gap, _titled(image, title, font_size)]
    return np.concatenate(row[1:], axis=1)


def contact_sheet(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks pictures of any width, uint8 `[h, w, 3]`, centered over each other."""
    width = max(row.shape[1] for row in rows)
    sheet = [_centered(row, width) for row in rows]
    return np.concatenate(sheet, axis=0)


def _check_arguments(image: np.ndarray, panoptic_map: np.ndarray, alpha: float) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise UserError(
            f"The image is {image.dtype} of shape {image.shape}; expected uint8 [height, width, 3]."
        )
    if image.shape[:2] != panoptic_map.shape:
        raise UserError(
            f"The image is {image.shape[:2]} and the panoptic map {panoptic_map.shape}; draw a map "
            "over the picture it belongs to, at one size."
        )
    if not 0 <= alpha <= 1:
        raise UserError(f"alpha is {alpha}; expected 0 (no color) to 1 (nothing but color).")


def _tint(image: np.ndarray, index: np.ndarray, colors: np.ndarray, alpha: float) -> np.ndarray:
    """uint8 `[h, w, 3]`: each segment a mix of its color, the image, and the image in grey."""
    original = np.full((len(colors), 1), (1 - alpha) * (1 - _FADING), np.float32)
    original[0] = _VOID_BRIGHTNESS
    grey = np.full((len(colors), 1), (1 - alpha) * _FADING, np.float32)
    grey[0] = 0
    luma = (image @ _LUMA)[..., np.newaxis]
    mixed = image * original[index] + luma * grey[index] + (colors * np.float32(alpha))[index]
    return mixed.astype(np.uint8)


def _draw_outlines(picture: np.ndarray, depth: np.ndarray) -> None:
    """Draws, in place, a white line between segments with a dark one on both sides."""
    width = max(1, round(min(depth.shape) / 480))
    _blend(picture, depth <= width, 255, 0.85)
    _blend(picture, (depth > width) & (depth <= 2 * width), 0, 0.45)


def _blend(picture: np.ndarray, mask: np.ndarray, grey: int, alpha: float) -> None:
    picture[mask] = picture[mask] * (1 - alpha) + grey * alpha


def _draw_labels(
    picture: np.ndarray,
    index: np.ndarray,
    depth: np.ndarray,
    colors: np.ndarray,
    segments: Sequence[Segment],
    categories: Categories,
) -> np.ndarray:
    font_size = _font_size(*index.shape)
    texts = [_label(segment, categories) for segment in segments]
    sizes = [plate_size(text, font_size) for text in texts]
    canvas = Image.fromarray(picture)
    for i, corner in place_labels(index, depth, sizes).items():
        draw_plate(canvas, corner, texts[i], font_size, tuple(colors[i + 1].tolist()))
    return np.array(canvas)


def _label(segment: Segment, categories: Categories) -> str:
    """One line: class name, `(crowd)` for a crowd, the score in percent where there is one."""
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
    """Says it once."""
    logging.getLogger(__name__).warning(
        "No font on this machine has the letters of some class names: pictures give their category "
        "ids. A font such as Noto Sans CJK (Debian: fonts-noto-cjk) changes that."
    )


def _font_size(height: int, width: int) -> int:
    return max(11, round(min(height, width) / 32))


def _scaled(image: np.ndarray, height: int) -> np.ndarray:
    if image.shape[0] == height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def _titled(image: np.ndarray, title: str, font_size: int) -> np.ndarray:
    bar = Image.new("RGB", (image.shape[1], _bar_height(font_size)), _BAR_COLOR)
    draw_text(bar, (bar.height / 2, bar.width / 2), title, font_size)
    return np.concatenate([np.array(bar), image], axis=0)


def _bar_height(font_size: int) -> int:
    return 2 * font_size


def _centered(image: np.ndarray, width: int) -> np.ndarray:
    left = (width - image.shape[1]) // 2
    sheet = np.full((image.shape[0], width, 3), _BAR_COLOR, np.uint8)
    sheet[:, left : left + image.shape[1]] = image
    return sheet
