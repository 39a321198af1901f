"""The truth of a report: its pictures with their photos, paired with the predictions of models."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from maskconver_tf.datasets.sources.source import check_folder
from maskconver_tf.errors import UserError, short_repr
from maskconver_tf.evaluation.scoring.reading.picture_pairs import PicturePairs, coco_pairs
from maskconver_tf.evaluation.scoring.reading.record_pairs import (
    RecordReader,
    dataset_pictures,
    record_pairs,
)
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.json_lists import scan_json_lists
from maskconver_tf.files.paths import RemotePath


class PhotoFile(NamedTuple):
    """A picture file.

    Attributes:
      name: for people.
      encoded: the photo; None if there is none.
      mapping: maps its channels; None for an ordinary picture.
    """

    name: str
    encoded: bytes | None = None
    mapping: ChannelMapping | None = None


class Photo(Protocol):
    """A photo that another process reads."""

    def read(self) -> PhotoFile:
        """Reads it; raises `UserError` if it cannot be read."""


class RecordPhoto(NamedTuple):
    """The photo in a record."""

    reader: RecordReader

    def read(self) -> PhotoFile:
        record = self.reader.record()
        return PhotoFile(record.file_name, record.image_bytes)


class FilePhoto(NamedTuple):
    """A picture file; `path` is None if nobody said where the pictures are."""

    name: str
    path: Path | None = None
    mapping: ChannelMapping | None = None

    def read(self) -> PhotoFile:
        if self.path is None:
            return PhotoFile(self.name)
        try:
            return PhotoFile(self.name, self.path.read_bytes(), self.mapping)
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot be read ({error.strerror}); expected the picture that the "
                "truth lists. Give the folder of its pictures with --images, or leave --images out "
                "for a report without photos"
            ) from None


class Truth(Protocol):
    """Where the truth of a report is."""

    @property
    def where(self) -> str:
        """Names the truth on the page."""

    def pairs(self, predictions: Sequence[tuple[Path, Path]], allow_missing: bool) -> PicturePairs:
        """Pairs the pictures with predictions; see `coco_pairs`."""

    def photos(self) -> dict[str, Photo]:
        """Returns the photo of each picture by its id as JSON text."""


@dataclasses.dataclass(frozen=True)
class DatasetTruth:
    """The truth in a dataset folder, as `maskconver data build` writes it."""

    folder: Path | RemotePath

    @property
    def where(self) -> str:
        return str(self.folder)

    def pairs(self, predictions: Sequence[tuple[Path, Path]], allow_missing: bool) -> PicturePairs:
        return record_pairs(self.folder, predictions, allow_missing)

    def photos(self) -> dict[str, Photo]:
        pictures = dataset_pictures(self.folder)
        return {
            json.dumps(image_id): RecordPhoto(reader)
            for image_id, reader in zip(pictures.ids, pictures.readers, strict=True)
        }


@dataclasses.dataclass(frozen=True)
class CocoTruth:
    """The truth in COCO's panoptic format.

    Attributes:
      json_path: the JSON file.
      png_folder: folder of the id maps.
      images: folder of the photos; None for a report without photos.
      mapping: maps the channels of the photos; None for ordinary ones.
    """

    json_path: Path
    png_folder: Path
    images: Path | None = None
    mapping: ChannelMapping | None = None

    @property
    def where(self) -> str:
        return str(self.json_path)

    def pairs(self, predictions: Sequence[tuple[Path, Path]], allow_missing: bool) -> PicturePairs:
        return coco_pairs((self.json_path, self.png_folder), predictions, allow_missing)

    def photos(self) -> dict[str, Photo]:
        """Reads the list `images` of the JSON file.

        Raises:
          UserError: `--images` is no folder, or the file has no list of images but needs one.
        """
        if self.images is not None:
            check_folder(self.images, "the folder of the pictures (--images)")
        expected = "an object with the list images, as in COCO's panoptic format"
        found = {}
        try:
            entries = list(scan_json_lists(self.json_path, "the truth", ("images",), expected))
        except UserError:
            if self.images is not None:
                raise
            return {}
        for element in entries:
            entry = element.value if isinstance(element.value, dict) else {}
            name = entry.get("file_name")
            if isinstance(name, str):
                path = self.images / name if self.images is not None else None
                found[json.dumps(entry.get("id"))] = FilePhoto(name, path, self.mapping)
        return found


def photo_of(photos: dict[str, Photo], image_id: int | str, truth: Truth) -> Photo:
    """Returns the photo of a picture, without a path if there is none.

    Raises:
      UserError: the truth has photos, but not of this picture.
    """
    photo = photos.get(json.dumps(image_id))
    if photo is not None:
        return photo
    if isinstance(truth, CocoTruth) and truth.images is not None:
        raise UserError(
            f"{truth.where}: the list images has no file_name of image {short_repr(image_id)}; "
            "expected an entry for each annotation. Add it, or leave --images out for a report "
            "without photos"
        )
    return FilePhoto(str(image_id))
