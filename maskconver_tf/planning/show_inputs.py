"""Draws a sheet of training inputs: the root of `maskconver data show`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.corrupt_records import explain_corrupt_records
from maskconver_tf.errors import UserError
from maskconver_tf.inference.drawing.center_drawing import draw_centers
from maskconver_tf.inference.drawing.panoptic_drawing import draw_panoptic_map
from maskconver_tf.inference.drawing.picture_rows import join_side_by_side, stack_rows
from maskconver_tf.input.pipeline import TrainingInput


def show_inputs(
    train_input: TrainingInput,
    targets: Callable,
    center_levels: Sequence[int],
    out: str,
    num_pictures: int = 6,
    seed: int | None = None,
) -> None:
    """Draws the first examples of a training and their labels, in the form that the model gets.

    Args:
      train_input: the training input whose pictures the sheet shows.
      targets: makes the `TargetBuilder` from `center_levels`.
      center_levels: the center levels of the model.
      out: PNG file to write.
      num_pictures: number of examples on the sheet.
      seed: seed of order and augmentation; None for the seed of `train_input`.

    Raises:
      UserError: an argument is out of range or the file cannot be written.
    """
    path = _checked(out, num_pictures)
    if seed is not None:
        train_input = dataclasses.replace(train_input, seed=seed)
    folder = train_input.folder
    examples = train_input.batches(targets(center_levels=center_levels)).unbatch()
    with explain_corrupt_records(folder):
        rows = [
            draw_example(example, folder.categories)
            for example in examples.take(num_pictures).as_numpy_iterator()
        ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(stack_rows(rows)).save(path)
    except OSError as error:
        raise UserError(
            f"{out}: cannot be written ({error.strerror}); choose another --out"
        ) from None


def draw_example(example: dict[str, np.ndarray], categories: Categories) -> np.ndarray:
    """Draws picture, masks and centers of a training example side by side; uint8 `[h, w, 3]`."""
    image = example[types.IMAGE]
    class_ids = example[types.SLOT_CLASS_IDS]
    segments = [
        types.Segment(id=slot + 1, class_id=int(class_ids[slot]))
        for slot in np.flatnonzero(class_ids != types.PAD_ID)
    ]
    stride = len(image) // len(example[types.SLOT_MAP])
    slot_map = example[types.SLOT_MAP].astype(np.int32).repeat(stride, 0).repeat(stride, 1)
    masks = draw_panoptic_map(image, slot_map, segments, categories)
    centers = draw_centers(
        image,
        example[types.CENTER_LEVELS],
        example[types.CENTER_INDICES],
        example[types.GAUSSIAN_RADII],
    )
    height, width = example[types.CONTENT_SIZE]
    titles = [
        f"{height} x {width} of {image.shape[0]} x {image.shape[1]}",
        f"{len(segments)} segments, {example[types.NUM_DROPPED]} dropped",
        "centers",
    ]
    return join_side_by_side([image, masks, centers], titles)


def _checked(out: str, num_pictures: int) -> Path:
    if not 1 <= num_pictures <= 100:
        raise UserError(f"--num {num_pictures}: expected 1 to 100 pictures; omit it for 6")
    path = Path(out)
    if path.is_dir():
        raise UserError(f"--out {out}: found a folder; name a PNG file in it, such as sheet.png")
    if path.suffix.lower() != ".png":
        raise UserError(f"--out {out}: expected the name of a PNG file, such as sheet.png")
    return path
