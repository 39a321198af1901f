"""What one picture adds to a report: its rows, and the files that its view needs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from maskconver_tf.errors import UserError, short_repr
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.report.encoded_maps import encode_map, fit, resize_map
from maskconver_tf.evaluation.report.report_truth import Photo, PhotoFile
from maskconver_tf.evaluation.report.segment_rows import (
    ComparedPicture,
    compare_picture,
    positions_map,
)
from maskconver_tf.evaluation.report.thumbnails import LONGEST_SIDE, draw_thumbnail, to_jpeg
from maskconver_tf.evaluation.scoring.reading.picture_pairs import PicturePair
from maskconver_tf.evaluation.scoring.reading.sides import Side
from maskconver_tf.files.channels.mapped_picture import open_picture
from maskconver_tf.files.pictures import (
    UnreadablePicture,
    plain_pixels,
    to_plain_rgb,
    upright_size,
)

_PHOTO_QUALITY, _THUMBNAIL_QUALITY = 85, 78


@dataclasses.dataclass(frozen=True)
class PictureWork:
    """A picture for a process.

    Attributes:
      number: its number in the report, from 0.
      pair: its truth and predictions.
      photo: its photo.
      folder: the folder of the report.
      is_thing: bool `[C]`.
      colors: uint8 `[C, 3]`, for a picture without photo.
      longest_side: most pixels of a side of photo and maps on the page.
    """

    number: int
    pair: PicturePair
    photo: Photo
    folder: Path
    is_thing: np.ndarray
    colors: np.ndarray
    longest_side: int

    @property
    def image_file(self) -> str:
        """Name of the file in messages of `process_pool`."""
        return f"image {short_repr(self.pair.image_id)}"


class PictureContent(NamedTuple):
    """What the page lists of a picture.

    Attributes:
      name: file name, for people.
      size: height and width of the original.
      has_photo: whether the report has its photo.
      compared: rows of each model.
    """

    name: str
    size: tuple[int, int]
    has_photo: bool
    compared: tuple[ComparedPicture, ...]


class Refusal(NamedTuple):
    """What a process answers if the user has to correct something."""

    message: str


def picture_file(number: int) -> str:
    """Returns the name, without suffix, of the files of a picture."""
    return f"{number:06d}"


def write_picture(work: PictureWork) -> PictureContent | Refusal:
    """Writes the files of a picture; runs in a process of the pool.

    pictures/N.jpg is the photo, pictures/N.js has the maps, and thumbnails/M/N.jpg is the small
    picture of model M.
    """
    try:
        return _write_picture(work)
    except UserError as error:
        return Refusal(str(error))


def _write_picture(work: PictureWork) -> PictureContent:
    truth = work.pair.truth.read()
    predictions = [reader and reader.read() for reader in work.pair.predictions]
    compared = tuple(compare_picture(truth, side, work.is_thing) for side in predictions)
    truth_map = positions_map(truth)
    maps = [np.zeros_like(truth_map) if s is None else positions_map(s) for s in predictions]
    photo = work.photo.read()
    pixels = _decoded(photo, work.image_file, truth_map.shape)
    base = _painted(truth, truth_map, work.colors) if pixels is None else pixels
    shown = fit(truth_map.shape, work.longest_side)
    if pixels is not None:
        path = work.folder / "pictures" / f"{picture_file(work.number)}.jpg"
        path.write_bytes(to_jpeg(_resize(pixels, shown), _PHOTO_QUALITY))
    _write_thumbnails(work, base, truth_map, maps, compared)
    sides = [_side(truth, truth_map, shown)]
    sides += [_side(side, found, shown) for side, found in zip(predictions, maps, strict=True)]
    _write_script(work, {"truth": sides[0], "models": sides[1:]})
    return PictureContent(photo.name, truth_map.shape, pixels is not None, compared)


def _write_thumbnails(
    work: PictureWork,
    base: np.ndarray,
    truth_map: np.ndarray,
    maps: list[np.ndarray],
    compared: tuple[ComparedPicture, ...],
) -> None:
    small = _resize(base, fit(truth_map.shape, LONGEST_SIDE))
    for model, (positions, found) in enumerate(zip(maps, compared, strict=True)):
        drawn = draw_thumbnail(small, (truth_map, positions), found.rows, KINDS)
        path = work.folder / "thumbnails" / str(model) / f"{picture_file(work.number)}.jpg"
        path.write_bytes(to_jpeg(drawn, _THUMBNAIL_QUALITY))


def _write_script(work: PictureWork, content: dict[str, Any]) -> None:
    text = json.dumps(content, separators=(",", ":"))
    path = work.folder / "pictures" / f"{picture_file(work.number)}.js"
    path.write_text(f"REPORT_PICTURE({work.number},{text});\n", encoding="utf-8")


def _side(side: Side | None, positions: np.ndarray, shown: tuple[int, int]) -> dict[str, Any]:
    """Returns what the page needs to draw one side and to name its segments."""
    content = {"map": encode_map(resize_map(positions, shown))}
    if side is None:
        return content | {"ids": [], "classes": [], "crowds": [], "scores": []}
    scores = [None if np.isnan(score) else round(float(score), 4) for score in side.scores]
    return content | {
        "ids": side.ids.tolist(),
        "classes": side.class_ids.tolist(),
        "crowds": np.flatnonzero(side.is_crowd).tolist(),
        "scores": scores if any(score is not None for score in scores) else [],
    }


def _decoded(photo: PhotoFile, image: str, size: tuple[int, int]) -> np.ndarray | None:
    """Decodes a photo, uint8 `[h, w, 3]`; None if there is none.

    Raises:
      UserError: the photo cannot be decoded, or has another size than the truth.
    """
    if photo.encoded is None:
        return None
    where = f"{image}: the photo {photo.name}"
    try:
        picture = open_picture(photo.encoded, mapping=photo.mapping)
        pixels = plain_pixels(to_plain_rgb(photo.encoded, picture, turn=False)[0])
        if pixels.shape[:2] != size and upright_size(picture) == size[::-1]:
            pixels = plain_pixels(to_plain_rgb(photo.encoded, picture, turn=True)[0])
    except UnreadablePicture as error:
        raise UserError(
            f"{where}: cannot be read ({error}); expected a whole picture. Copy it again, or leave "
            "--images out for a report without photos"
        ) from None
    if pixels.shape[:2] != size:
        raise UserError(
            f"{where}: found height and width {pixels.shape[:2]}, but the truth has {size}; "
            "expected the same size. Give the pictures of this truth with --images"
        )
    return pixels


def _painted(truth: Side, positions: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Paints each true segment in the color of its class; uint8 `[h, w, 3]`."""
    of_segments = np.zeros((len(truth) + 1, 3), np.uint8)
    of_segments[1:] = colors[truth.class_ids]
    return of_segments[positions]


def _resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if pixels.shape[:2] == size:
        return pixels
    resized = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BOX)
    return np.asarray(resized)
