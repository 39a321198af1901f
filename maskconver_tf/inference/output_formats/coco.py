"""`--format coco`: COCO's panoptic results, which `maskconver score` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.rgb_png import encode_rgb_png
from maskconver_tf.files.id_map import ids_to_rgb
from maskconver_tf.files.json_file import read_json, write_json
from maskconver_tf.inference.output_formats.output_format import (
    AnyPrediction,
    FinishedPicture,
    OutputFormat,
)
from maskconver_tf.inference.tiles.large_files import write_id_png
from maskconver_tf.inference.tiles.tiled_predictor import LargePrediction


class CocoOutput(OutputFormat):
    """Writes `predictions/STEM.png` (R + 256 G + 65536 B) and one `predictions.json`.

    Args:
      image_ids: file name -> id of the picture in the truth. A picture without one gets its stem.
    """

    name = "coco"
    tables = ("predictions.json",)
    takes_large = True

    def __init__(self, image_ids: Mapping[str, int | str] | None = None):
        self._image_ids = image_ids or {}

    def files(self, stem: str) -> dict[str, str]:
        return {"ids": f"predictions/{stem}.png"}

    def write(
        self, folder: Path, stem: str, source: str, prediction: AnyPrediction
    ) -> dict[str, Any]:
        path = folder / self.files(stem)["ids"]
        if isinstance(prediction, LargePrediction):
            write_id_png(path, prediction.height, prediction.width, prediction.bands())
        else:
            path.write_bytes(encode_rgb_png(ids_to_rgb(prediction.panoptic_map)))
        return coco_entry(prediction)

    def finish(
        self, folder: Path, pictures: list[FinishedPicture], categories: Categories
    ) -> list[Path]:
        ids = [self._image_id(picture) for picture in pictures]
        _check_unique(ids, pictures)
        path = folder / self.tables[0]
        pairs = list(zip(ids, pictures, strict=True))
        content = {
            "images": [_image(image_id, picture) for image_id, picture in pairs],
            "annotations": [
                {"image_id": image_id, "file_name": f"{picture.stem}.png"}
                | {"segments_info": picture.kept["segments_info"]}
                for image_id, picture in pairs
            ],
            "categories": categories.to_coco(),
        }
        write_json(path, content)
        return [path]

    def _image_id(self, picture: FinishedPicture) -> int | str:
        source = Path(picture.source)
        for name in (picture.source, source.as_posix(), source.name):
            if name in self._image_ids:
                return self._image_ids[name]
        return picture.stem


def coco_entry(prediction: AnyPrediction) -> dict[str, Any]:
    """Returns the size of a picture and COCO's `segments_info` of it."""
    found = prediction.to_json()
    keys = ("id", "category_id", "area", "bbox", "score")
    infos = [{key: segment[key] for key in keys} | {"iscrowd": 0} for segment in found["segments"]]
    return {"height": found["height"], "width": found["width"], "segments_info": infos}


def read_image_ids(path: str) -> dict[str, int | str]:
    """Reads the ids of pictures from the list `images` of a file in COCO's format.

    Returns:
      file name -> id.

    Raises:
      UserError: the file has no such list, or an entry has no id or file name.
    """
    content = read_json(Path(path), "the file with the ids of the pictures (--image_ids)")
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list) or not images:
        raise UserError(
            f"--image_ids {path}: found no list `images`; expected a file in COCO's format, with "
            "file_name and id of each picture, such as the annotations of the truth"
        )
    ids: dict[str, int | str] = {}
    for number, entry in enumerate(images):
        entry = entry if isinstance(entry, dict) else {}
        name, image_id = entry.get("file_name"), entry.get("id")
        if type(name) is not str or type(image_id) not in (int, str):
            raise UserError(
                f"--image_ids {path}: image {number} (counted from 0) has file_name {name!r} and "
                f"id {image_id!r}; expected text, and a whole number or text. Correct the file"
            )
        ids[name] = image_id
        ids.setdefault(Path(name).name, image_id)
    return ids


def _check_unique(ids: list[int | str], pictures: list[FinishedPicture]) -> None:
    first: dict[int | str, str] = {}
    for image_id, picture in zip(ids, pictures, strict=True):
        if image_id in first:
            raise UserError(
                f"--format coco: {first[image_id]} and {picture.source} both have the image id "
                f"{image_id!r}; expected one picture of each id. Give one of them another "
                "folder of results"
            )
        first[image_id] = picture.source


def _image(image_id: int | str, picture: FinishedPicture) -> dict[str, Any]:
    size = {key: picture.kept[key] for key in ("height", "width")}
    return {"id": image_id, "file_name": Path(picture.source).name} | size
