"""One picture in, segments out."""

from __future__ import annotations

import dataclasses
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.id_map import ids_to_rgb
from maskconver_tf.files.pictures import UnreadablePicture, open_picture, to_plain_rgb
from maskconver_tf.inference.drawing.panoptic_drawing import draw_panoptic


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a model sees in one picture.

    Attributes:
      image: uint8 `[h, w, 3]`, upright RGB.
      panoptic_map: int32 `[h, w]`: the id of each pixel's segment, 0 for void.
      segments: by falling score.
      categories: the class list that `Segment.class_id` counts in.
    """

    image: np.ndarray
    panoptic_map: np.ndarray
    segments: list[types.Segment]
    categories: Categories

    def draw(self) -> np.ndarray:
        """The picture with colored masks, outlines, names and scores; uint8 `[h, w, 3]`."""
        return draw_panoptic(self.image, self.panoptic_map, self.segments, self.categories)

    def to_json(self) -> dict:
        """The segments with names, source category ids and COCO boxes (x, y, width, height)."""
        height, width = self.panoptic_map.shape
        return {
            "height": height,
            "width": width,
            "segments": [self._segment_json(segment) for segment in self.segments],
        }

    def save(self, out_dir: str | os.PathLike, stem: str) -> dict[str, Path]:
        """Writes `stem.png` (drawn), `stem_ids.png` (R + 256 G + 65536 B) and `stem.json`.

        Returns:
          "picture", "ids" and "segments" -> path.

        Raises:
          UserError: `out_dir` is no folder and cannot be made.
        """
        folder = Path(out_dir)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder}: {error.strerror}; name a folder to write to") from None
        paths = {kind: folder / name for kind, name in _file_names(stem).items()}
        Image.fromarray(self.draw()).save(paths["picture"])
        Image.fromarray(ids_to_rgb(self.panoptic_map)).save(paths["ids"])
        text = json.dumps(self.to_json(), ensure_ascii=False, indent=1)
        paths["segments"].write_text(text + "\n", encoding="utf-8")
        return paths

    def _segment_json(self, segment: types.Segment) -> dict:
        category = self.categories[segment.class_id]
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


class Predictor:
    """Segments pictures, whatever its model comes from.

    Args:
      segment: uint8 `[h, w, 3]` to the fields of a finished prediction (see `types`).
      categories: the class list.
    """

    def __init__(
        self, segment: Callable[[np.ndarray], Mapping[str, np.ndarray]], categories: Categories
    ):
        self._segment = segment
        self.categories = categories

    def __call__(self, image: str | os.PathLike | np.ndarray) -> Prediction:
        """Segments a file or a uint8 `[h, w, 3]` array.

        Raises:
          UserError: the file is missing or no picture, or the array is not of that kind.
        """
        pixels = _check_pixels(image) if isinstance(image, np.ndarray) else read_image(image)
        found = self._segment(pixels)
        return Prediction(
            pixels,
            np.asarray(found[types.PANOPTIC_MAP]),
            types.segments_from_arrays(found),
            self.categories,
        )


def check_files(images: list[str]) -> None:
    """Raises `UserError` with every path that is no file."""
    problems = [_missing(path) for path in images if not Path(path).is_file()]
    if problems:
        raise UserError("\n".join(problems))


def predict_files(predictor: Predictor, images: list[str], out: str) -> None:
    """Segments files into a folder; pictures that cannot be read are named at the end.

    Raises:
      UserError: some could not be read; the others have been written. Or a picture would be
        replaced; then nothing has been.
    """
    stems = _unique_stems(images)
    _check_nothing_replaced(images, stems, out)
    problems = []
    for image, stem in tqdm(list(zip(images, stems)), "predict", unit="image"):
        try:
            prediction = predictor(image)
        except UserError as error:
            problems.append(str(error))
            continue
        paths = prediction.save(out, stem)
        tqdm.write(f"{image}: {_summary(prediction)} -> {paths['picture']}")
    if problems:
        raise UserError("\n".join(problems))


def read_image(path: str | os.PathLike) -> np.ndarray:
    """A picture file as upright RGB, uint8 `[h, w, 3]`, made from any kind as for training.

    Raises:
      UserError: the file is missing or no picture.
    """
    try:
        encoded = Path(path).read_bytes()
        plain, _ = to_plain_rgb(encoded, open_picture(encoded), turn=True)
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(_missing(path)) from None
    except (OSError, UnreadablePicture) as error:
        raise UserError(f"{path}: not a readable picture ({error}); expected JPEG or PNG") from None
    return np.asarray(Image.open(io.BytesIO(plain)).convert("RGB"))


def _missing(path: str | os.PathLike) -> str:
    if Path(path).is_dir():
        return f"{path}: a folder; name the pictures in it, {path}/*.jpg say"
    return f"{path}: no such picture; check the path"


def _check_pixels(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise UserError(
            f"image is {image.dtype} {list(image.shape)}; expected uint8 [height, width, 3], RGB"
        )
    return image


def _file_names(stem: str) -> dict[str, str]:
    """What `Prediction.save` writes."""
    return {"picture": f"{stem}.png", "ids": f"{stem}_ids.png", "segments": f"{stem}.json"}


def _unique_stems(images: list[str]) -> list[str]:
    """File names without suffix; a number sets apart those that would overwrite each other."""
    stems: list[str] = []
    taken: set[str] = set()
    for image in images:
        stem = candidate = Path(image).stem
        number = 2
        while not taken.isdisjoint(_file_names(candidate).values()):
            candidate = f"{stem}_{number}"
            number += 1
        taken.update(_file_names(candidate).values())
        stems.append(candidate)
    return stems


def _check_nothing_replaced(images: list[str], stems: list[str], out: str) -> None:
    names = [name for stem in stems for name in _file_names(stem).values()]
    written = {(Path(out) / name).resolve() for name in names}
    replaced = [image for image in images if Path(image).resolve() in written]
    if replaced:
        raise UserError(
            f"--out {out}: would replace the picture {replaced[0]}; name another folder"
        )


def _summary(prediction: Prediction) -> str:
    names = [prediction.categories[s.class_id].name for s in prediction.segments]
    counted = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return ", ".join(counted) or "nothing found"
