"""Facts of made-up pictures, and pictures in memory, for the tests of `maskconver new`."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
from PIL import Image

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, SourceSegment
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts
from maskconver_tf.planning.first_configuration.looking.picture_facts import PictureFacts


def make_picture_facts(
    size=(240, 240), sides=(40,) * 6, gap=100.0, stuff=True, **changes
) -> PictureFacts:
    """Facts of a picture with square things of these sides, and stuff that fills it."""
    things = len(sides)
    all_sides = np.array([*sides, *([min(size)] if stuff else [])], np.float64)
    facts = {
        "name": "a.png",
        "size": size,
        "class_ids": np.array([0] * things + [1] * stuff, np.int64),
        "is_thing": np.array([True] * things + [False] * stuff, np.bool_),
        "areas": (all_sides**2).astype(np.int64),
        "half_diagonals": all_sides / np.sqrt(2),
        "short_sides": all_sides.astype(np.int64),
        "heights": np.linspace(0.1, 0.9, things + stuff),
        "gaps": np.array([gap] * things + [np.inf] * stuff, np.float64),
        "touches": np.zeros(things + stuff, np.bool_),
        "is_gray": False,
        "is_photograph": False,
        "darkness": 0.9,
    }
    return PictureFacts(**facts | changes)


def make_facts(*pictures: PictureFacts, **changes) -> DataFacts:
    """Facts of a dataset with these pictures; by default 500 like one of `make_picture_facts`."""
    pictures = pictures or (make_picture_facts(),) * 4
    facts = DataFacts(
        num_pictures=500,
        num_eval=50,
        most_segments=max(len(picture.areas) for picture in pictures),
        num_bytes=10_000_000,
        num_classes=2,
        pictures=pictures,
    )
    return dataclasses.replace(facts, **changes)


@dataclasses.dataclass(frozen=True)
class MemoryPicture(FilePicture):
    """A picture with its truth in memory.

    Attributes:
      pixels: uint8 `[h, w, 3]`, or None for a picture that cannot be read.
      ids: segment ids `[h, w]`.
      segments: id, class, whether it is a thing, whether it is a crowd.
      kind: format of the file.
    """

    pixels: np.ndarray | None = None
    ids: np.ndarray | None = None
    segments: tuple = ()
    kind: str = "PNG"

    def read_image(self) -> bytes:
        if self.pixels is None:
            raise self.unusable(self.image_file, Problem.IMAGE_UNREADABLE, "damaged")
        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, self.kind, quality=90)
        return file.getvalue()

    def read_truth(self) -> PanopticTruth:
        return PanopticTruth(self.ids, tuple(SourceSegment(*row) for row in self.segments))


def memory_picture(pixels, ids=None, segments=(), name="a.png", kind="PNG") -> MemoryPicture:
    ids = None if ids is None else np.asarray(ids)
    return MemoryPicture(
        name=name,
        image_id=1,
        image_file=name,
        map_file=f"map of {name}",
        max_pixels=10**9,
        pixels=pixels,
        ids=ids,
        segments=segments,
        kind=kind,
    )
