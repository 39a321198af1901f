"""Predicts pictures of any size with a LiteRT file, as a `Predictor` like that of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.inference import signatures
from maskconver_tf.inference.litert.lite_file import (
    HEADS,
    LITE_SUFFIX,
    PRECISIONS,
    WHOLE,
    LiteFile,
    lite_paths,
)
from maskconver_tf.inference.predictor import Predictor
from maskconver_tf.input.transforms import fit_image


def load_lite_model(path: Path, thresholds: Mapping[str, float | int] | None = None) -> Predictor:
    """Loads a predictor from a file `whole_*.tflite` or `heads_*.tflite`, or from their folder.

    A folder stands for its most precise file, a whole file before heads. The file makes a map of
    the input size. The map is cut to the picture and scaled to the nearest pixel, so borders are
    coarser than those of the run if the picture is larger than the input.

    Args:
      path: the file or the folder.
      thresholds: must be empty, because a LiteRT file has fixed thresholds.

    Raises:
      UserError: thresholds are given, LiteRT is not installed, or a file is missing or damaged.
    """
    if thresholds:
        name, value = next(iter(thresholds.items()))
        raise UserError(
            f"{path}: found a LiteRT export, whose thresholds are fixed, and {name} = {value}; "
            f"export the run again with `maskconver export --to litert --{name} {value}`, or "
            "predict from the run's folder"
        )
    chosen = path if path.suffix == LITE_SUFFIX else most_precise(lite_paths(path))
    file = LiteFile(chosen)
    categories = lite_categories(chosen)
    input_size = file.input_size

    def segment(image: np.ndarray) -> dict[str, np.ndarray]:
        canvas, content_size = fit_image(tf.constant(image), input_size)
        found = file.segment(canvas.numpy())
        ids = scale_to_nearest(
            found[signatures.PANOPTIC_MAP], content_size.numpy(), image.shape[:2]
        )
        return _fields(ids, found, categories)

    return Predictor(segment, categories, input_size)


def scale_to_nearest(
    ids: np.ndarray, content_size: Sequence[int], image_size: Sequence[int]
) -> np.ndarray:
    """Cuts the padding off a map of the input size, and takes the nearest pixel of the rest.

    Args:
      ids: integers `[H, W]`.
      content_size: (height, width) of the picture on the input, at its top left.
      image_size: (height, width) of the picture.

    Returns:
      Integers `[*image_size]`.
    """
    rows, columns = (
        (2 * np.arange(n) + 1) * c // (2 * n) for n, c in zip(image_size, content_size, strict=True)
    )
    return ids[rows[:, np.newaxis], columns]


def most_precise(paths: list[Path]) -> Path:
    """Chooses a file by its name: whole before heads, then in the order of `PRECISIONS`."""
    names = [f"{kind}_{precision}" for kind in (WHOLE, HEADS) for precision in PRECISIONS]
    order = {name: i for i, name in enumerate(names)}
    return min(paths, key=lambda path: order.get(path.stem, len(order)))


def lite_categories(file: Path) -> Categories:
    """Reads the class list beside a LiteRT file; raises `UserError` if it is missing or damaged."""
    path = file.with_name(signatures.CATEGORIES_ASSET)
    if file.is_file() and not path.is_file():
        raise UserError(
            f"{path}: missing, so the classes of {file.name} are unknown; copy the whole folder "
            "of the export, or export again with --to litert"
        )
    return Categories.load(path)


def _fields(
    ids: np.ndarray, found: Mapping[str, np.ndarray], categories: Categories
) -> dict[str, np.ndarray]:
    """Measures the segments that the picture shows, and numbers them 1, 2, ... again.

    Args:
      ids: segment ids of the file `[h, w]`.
      found: the rows of its segments, the highest score first.
      categories: the class list.
    """
    shown = np.isin(found[signatures.SEGMENT_IDS], ids)
    old = found[signatures.SEGMENT_IDS][shown]
    numbers = np.zeros(max(old, default=0) + 1, np.int32)
    numbers[old] = new = np.arange(1, len(old) + 1, dtype=np.int32)
    panoptic_map = numbers[np.where(np.isin(ids, old), ids, 0)]
    places = [np.nonzero(panoptic_map == number) for number in new]
    boxes = [[y.min(), x.min(), y.max() + 1, x.max() + 1] for y, x in places]
    source_ids = found[signatures.CATEGORY_IDS][shown].tolist()
    return {
        types.PANOPTIC_MAP: panoptic_map,
        types.SEGMENT_IDS: new,
        types.SEGMENT_CLASS_IDS: np.array([categories.class_id_of(i) for i in source_ids], int),
        types.SEGMENT_SCORES: found[signatures.SCORES][shown],
        types.SEGMENT_AREAS: np.array([len(y) for y, _ in places], np.int32),
        types.SEGMENT_BOXES: np.array(boxes, np.int32).reshape(-1, 4),
    }
