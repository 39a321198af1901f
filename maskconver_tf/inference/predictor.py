"""Predicts the segments of one picture."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.channels.mapped_picture import open_picture
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.id_map import ids_to_rgb
from maskconver_tf.files.paths import make_out_folder
from maskconver_tf.files.pictures import (
    TooManyPixels,
    UnreadablePicture,
    UnusableChannels,
    UnusableNumbers,
    plain_pixels,
    to_plain_rgb,
)
from maskconver_tf.inference.drawing.panoptic_drawing import draw_panoptic_map
from maskconver_tf.inference.drawing.style import DrawingStyle, enlarge, stretch_contrast
from maskconver_tf.inference.tiles.known_window import KnownWindow


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The segments that a model finds in one picture.

    Attributes:
      image: uint8 `[h, w, 3]`, upright RGB.
      panoptic_map: int32 `[h, w]`: the id of each pixel's segment, 0 for void.
      segments: the segment with the highest score comes first.
      categories: the class list; `Segment.class_id` is an index into it.
    """

    image: np.ndarray
    panoptic_map: np.ndarray
    segments: list[types.Segment]
    categories: Categories

    @property
    def height(self) -> int:
        return self.panoptic_map.shape[0]

    @property
    def width(self) -> int:
        return self.panoptic_map.shape[1]

    def draw(self, style: DrawingStyle | None = None) -> np.ndarray:
        """Draws colored masks, outlines, names and scores on the picture.

        Args:
          style: None draws at the picture's size without changing its contrast.

        Returns:
          uint8 `[h, w, 3]`, both sides `style.enlarge` times larger than the picture.
        """
        style = style or DrawingStyle(enlarge=1, contrast=False)
        image = stretch_contrast(self.image) if style.contrast else self.image
        image, panoptic_map = enlarge(image, self.panoptic_map, style.times(*image.shape[:2]))
        return draw_panoptic_map(
            image,
            panoptic_map,
            self.segments,
            self.categories,
            labels=style.labels,
            outlines=style.outlines,
        )

    def to_json(self) -> dict:
        """Returns the segments with names, source category ids and COCO boxes (x, y, w, h)."""
        return segments_json(*self.panoptic_map.shape, self.segments, self.categories)

    def save(self, out_dir: str | os.PathLike, stem: str) -> dict[str, Path]:
        """Writes `stem.png` (drawn), `stem_ids.png` (R + 256 G + 65536 B) and `stem.json`.

        Returns:
          "picture", "ids" and "segments" -> path.

        Raises:
          UserError: `out_dir` cannot be made or written.
        """
        folder = make_out_folder(out_dir)
        paths = {kind: folder / name for kind, name in saved_names(stem).items()}
        Image.fromarray(self.draw()).save(paths["picture"])
        Image.fromarray(ids_to_rgb(self.panoptic_map)).save(paths["ids"])
        text = json.dumps(self.to_json(), ensure_ascii=False, indent=1)
        paths["segments"].write_text(text + "\n", encoding="utf-8")
        return paths


def segments_json(
    height: int, width: int, segments: Sequence[types.Segment], categories: Categories
) -> dict[str, Any]:
    """Returns the content of `Prediction.to_json`."""
    listed = [_segment_json(segment, categories) for segment in segments]
    return {"height": height, "width": width, "segments": listed}


def _segment_json(segment: types.Segment, categories: Categories) -> dict[str, Any]:
    category = categories[segment.class_id]
    y0, x0, y1, x1 = segment.box
    return {
        "id": segment.id,
        "category_id": category.id,
        "name": category.name,
        "isthing": category.isthing,
        "score": round(segment.score, 4),
        "area": segment.area,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
    }


def saved_names(stem: str) -> dict[str, str]:
    """Returns the names of the files that `Prediction.save` writes, by their kind."""
    return {"picture": f"{stem}.png", "ids": f"{stem}_ids.png", "segments": f"{stem}.json"}


class Predictor:
    """Segments pictures with a model from a run or from an export.

    Args:
      segment: takes uint8 `[h, w, 3]`, returns the fields of a finished prediction (see `types`).
      categories: the class list.
      input_size: (height, width) to which the model scales each picture, if it is known.

    Attributes:
      window: the size of a picture that fills the input at the scale of the training, if it is
        known.
    """

    def __init__(
        self,
        segment: Callable[[np.ndarray], Mapping[str, np.ndarray]],
        categories: Categories,
        input_size: tuple[int, int] | None = None,
    ):
        self.segment = segment
        self.categories = categories
        self.input_size = input_size
        self.window: KnownWindow | None = None

    def __call__(self, image: str | os.PathLike | np.ndarray) -> Prediction:
        """Segments a picture file or a uint8 `[h, w, 3]` array.

        A picture that shrinks more than twice as much as those of the training gives a
        `UserWarning`.

        Raises:
          UserError: the file is missing or not a picture, or the array has another type or shape.
        """
        if isinstance(image, np.ndarray):
            pixels = check_pixels(image)
        else:
            pixels = read_image(image, mapping=self.categories.pictures)
        self._warn_of_shrinking(*pixels.shape[:2])
        return self.predict(pixels)

    def _warn_of_shrinking(self, height: int, width: int) -> None:
        if self.window and (found := self.window.shrinking(height, width)):
            text = f"the picture {found}. A TiledPredictor predicts it in windows"
            warnings.warn(text, stacklevel=3)

    def predict(self, pixels: np.ndarray) -> Prediction:
        """Segments a uint8 `[h, w, 3]` array of any size, without a warning."""
        found = self.segment(pixels)
        return Prediction(
            pixels,
            np.asarray(found[types.PANOPTIC_MAP]),
            types.segments_from_arrays(found),
            self.categories,
        )


def read_image(
    path: str | os.PathLike,
    max_pixels: int = MAX_PIXELS,
    mapping: ChannelMapping | None = None,
) -> np.ndarray:
    """Reads a picture file as upright RGB, uint8 `[h, w, 3]`, with the conversions of training.

    Args:
      path: the file.
      max_pixels: most pixels of a picture.
      mapping: `Categories.pictures` of the model; None for ordinary pictures.

    Raises:
      UserError: the file is missing or not a picture, or a build would refuse it.
    """
    with explain_unreadable(path):
        encoded = Path(path).read_bytes()
        plain, _ = to_plain_rgb(encoded, open_picture(encoded, max_pixels, mapping), turn=True)
    return plain_pixels(plain)


@contextlib.contextmanager
def explain_unreadable(path: str | os.PathLike) -> Iterator[None]:
    """Turns what `files.pictures` raises of a picture into a `UserError` with its path."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(describe_missing_picture(path)) from None
    except (TooManyPixels, UnusableNumbers) as error:
        problem = Problem.IMAGE_DEPTH
        if isinstance(error, TooManyPixels):
            problem = Problem.TOO_MANY_PIXELS
        if isinstance(error, UnusableChannels):
            problem = Problem.IMAGE_CHANNELS
        raise UserError(
            f"{path}: {problem.title}: {error}; expected {problem.expected}. Way out: "
            f"{problem.way_out}"
        ) from None
    except (OSError, UnreadablePicture) as error:
        raise UserError(
            f"{path}: not a readable picture ({error}); expected a complete picture, such as JPEG "
            "or PNG. Get the file again"
        ) from None


def describe_missing_picture(path: str | os.PathLike) -> str:
    """Returns the message for a path that is not a file."""
    if Path(path).is_dir():
        return f"{path}: a folder, expected a picture; name the pictures in it, as in {path}/*.jpg"
    return f"{path}: no such picture; check the path"


def check_pixels(image: np.ndarray) -> np.ndarray:
    """Returns a uint8 `[h, w, 3]` array; raises `UserError` for any other."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise UserError(
            f"image is {image.dtype} {list(image.shape)}; expected uint8 [height, width, 3], RGB, "
            "with at least one pixel. Convert it, or pass the path of the file"
        )
    return image
