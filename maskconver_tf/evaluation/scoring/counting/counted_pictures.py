"""The counts of pictures, as those of several in few arrays and as those of one.

The first form crosses between processes quickly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.lost_quality.segment_table import SegmentTable
from maskconver_tf.evaluation.scoring.counting.detections import Detections


class PictureLosses(NamedTuple):
    """Where the quality of one picture is lost.

    Attributes:
      segments: what became of each segment.
      mended: int32 `[n]`, kind of error x C + class, and float64 `[n, 5]`: what mending that kind
        adds to the counts, see `changes_by_mending`.
      pixels: int32 `[n]`, true class x (C + 1) + predicted class, and int64 `[n, 1]`, the pixels of
        that pair. Class C is void.
    """

    segments: SegmentTable
    mended: tuple[np.ndarray, np.ndarray]
    pixels: tuple[np.ndarray, np.ndarray]


class PictureCounts(NamedTuple):
    """The counts of one picture and one prediction.

    Attributes:
      keys: int32 `[k]`, measure x C + class of each row.
      counts: float64 `[k, 5]`, the `COLUMNS` of each row.
      classes: int32 `[c]`, class of each row of pixel counts.
      pixels: int64 `[c, 3]`, the `PIXEL_COLUMNS` of each row. Pixels on void truth are left out.
      ious: float64 `[m]` and
      iou_classes: int32 `[m]`, the matches in the order in which COCO's program adds them.
      listed: keys and counts of the rows of "panoptic" with the areas that the truth's file lists;
        None if they are those of the pixels.
      wrong_area: the id of the first true segment whose listed area is not its pixels; None.
      detections: the predicted things with scores, None if the prediction has no scores.
      losses: where the quality of this picture is lost.
    """

    keys: np.ndarray
    counts: np.ndarray
    classes: np.ndarray
    pixels: np.ndarray
    ious: np.ndarray
    iou_classes: np.ndarray
    listed: tuple[np.ndarray, np.ndarray] | None
    wrong_area: int | None
    detections: Detections | None
    losses: PictureLosses


class Columns(NamedTuple):
    """Columns whose rows are ordered by picture; those of picture i end at `ends[i]`."""

    ends: np.ndarray
    columns: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, pictures: np.ndarray, count: int, *columns: np.ndarray) -> Columns:
        """Args: pictures: the picture of each row, rising; count: number of pictures."""
        return cls(np.searchsorted(pictures, np.arange(count), "right"), columns)

    def split(self) -> list[tuple[np.ndarray, ...]]:
        ends = self.ends.tolist()
        starts = [0, *ends[:-1]]
        return [
            tuple(column[start:end] for column in self.columns)
            for start, end in zip(starts, ends, strict=True)
        ]


class CountedPictures(NamedTuple):
    """The counts of several pictures, in few arrays; `split` gives those of each.

    Attributes: see `PictureCounts`. The lists have an entry for each picture.
    """

    rows: Columns
    pixels: Columns
    ious: Columns
    listed: Columns | None
    segments: Columns
    mended: Columns
    confused: Columns
    wrong_areas: list[int | None]
    detections: list[Detections | None]

    def split(self) -> list[PictureCounts]:
        parts = [part.split() for part in self[:3] + self[4:7]]
        nothing = [None] * len(self.wrong_areas)
        listed = self.listed.split() if self.listed else nothing
        return [
            PictureCounts(
                *rows,
                *pixels,
                *ious,
                None if wrong is None else of_file,
                wrong,
                detections,
                PictureLosses(SegmentTable(*segments), mended, confused),
            )
            for rows, pixels, ious, segments, mended, confused, of_file, wrong, detections in zip(
                *parts, listed, self.wrong_areas, self.detections, strict=True
            )
        ]
