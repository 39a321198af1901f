"""The counts of all pictures as tables, and the scores that follow from them.

A table has a row for each picture and class that occurs in it, so 5,000 pictures take a few
megabytes. All sums are exact (see `exact_parts`): neither the order of the pictures nor the number
of processes changes a bit of a score.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.segment_table import SegmentTable, joined
from maskconver_tf.evaluation.mean_iou import MeanIou, MeanIouResult
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.scoring.counting.counted_pictures import PictureCounts
from maskconver_tf.evaluation.scoring.counting.detections import match_detections
from maskconver_tf.evaluation.scoring.counting.scoring_rules import (
    COLUMNS,
    MEASURES,
    PIXEL_COLUMNS,
)
from maskconver_tf.evaluation.scoring.score_pictures import ScoredPicture

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval


class Rows(NamedTuple):
    """Rows of counts.

    Attributes:
      pictures: int32 `[n]`, number of the picture of each row.
      keys: int32 `[n]`, what the row counts.
      counts: `[n, columns]`.
    """

    pictures: np.ndarray
    keys: np.ndarray
    counts: np.ndarray

    def totals(self, num_keys: int) -> np.ndarray:
        """Adds up the rows of each key; float64 `[num_keys, columns]`."""
        columns = [
            np.bincount(self.keys, weights=column, minlength=num_keys) for column in self.counts.T
        ]
        return np.stack(columns, axis=1)


class ScoreTables(NamedTuple):
    """What is known of one scored model. Pictures are sorted by their id.

    Attributes:
      is_thing: bool `[C]`.
      image_ids, files: of each picture.
      matches: rows by measure x C + class, with the columns `COLUMNS`.
      pixels: rows by class, with the columns `PIXEL_COLUMNS`.
      listed: rows of `matches` as COCO's program counts them, for the pictures whose truth lists
        areas that are not those of the pixels.
      wrong_areas: number of the picture and id of a segment, for each of these pictures.
      ious, iou_classes: of all matches, in the order in which COCO's program adds them.
      evaluation: the matches of predicted things, for AP; None if a predicted thing has no score or
        no class is a thing.
      segments: what became of each segment, picture after picture.
      segment_pictures: int32 `[n]`, number of the picture of each row of `segments`.
      mended: rows by kind of error x C + class: what mending that kind alone adds to `matches`.
      confused: rows by true class x (C + 1) + predicted class: pixels. Class C is void.
    """

    is_thing: np.ndarray
    image_ids: tuple[int | str, ...]
    files: tuple[str, ...]
    matches: Rows
    pixels: Rows
    listed: Rows
    wrong_areas: tuple[tuple[int, int], ...]
    ious: np.ndarray
    iou_classes: np.ndarray
    evaluation: COCOeval | None
    segments: SegmentTable
    segment_pictures: np.ndarray
    mended: Rows
    confused: Rows

    def quality(self, measure: str = "panoptic") -> PanopticQuality:
        """Returns the counts of a measure over all pictures."""
        return self.quality_of(self.matches, measure)

    def quality_of(self, rows: Rows, measure: str = "panoptic") -> PanopticQuality:
        count = len(self.is_thing)
        first = MEASURES.index(measure) * count
        totals = rows.totals(len(MEASURES) * count)[first : first + count]
        quality = PanopticQuality(count, self.is_thing)
        quality.iou_sum, quality.iou_rest = totals[:, 0].copy(), totals[:, 1].copy()
        quality.tp, quality.fp, quality.fn = totals[:, 2:].T.astype(np.int64)
        return quality

    def mended_quality(self, kind: int) -> PanopticQuality:
        """Returns the counts with all errors of a kind mended; `kind` is its number."""
        count = len(self.is_thing)
        quality = self.quality()
        first = kind * count
        changes = self.mended.totals(len(KINDS) * count)[first : first + count]
        quality.iou_sum += changes[:, 0]
        quality.iou_rest += changes[:, 1]
        for total, change in zip(
            (quality.tp, quality.fp, quality.fn), changes[:, 2:].T.astype(np.int64), strict=True
        ):
            total += change
        return quality

    def coco_quality(self) -> PanopticQuality:
        """Returns the counts with the areas that the truth lists, as COCO's program has them."""
        if not self.wrong_areas:
            return self.quality()
        is_other = np.isin(self.matches.pictures, [picture for picture, _ in self.wrong_areas])
        own = [column[~is_other] for column in self.matches]
        joined = (np.concatenate(pair) for pair in zip(own, self.listed, strict=True))
        return self.quality_of(Rows(*joined))

    def mean_iou(self) -> MeanIouResult:
        """Returns the IoU of all pixels of each class; predicted void is wrong, true void free."""
        count = len(self.is_thing)
        right, truth, predicted = self.pixels.totals(count).T
        mean = MeanIou(count + 1)  # The last class takes what is predicted wrong or not at all.
        mean.confusion[np.arange(count), np.arange(count)] = right
        mean.confusion[:count, count] = truth - right
        mean.confusion[count, :count] = predicted - right
        iou = mean.result().iou[:count]
        return MeanIouResult(iou, float(right.sum() / truth.sum()) if truth.any() else np.nan)


def collect(scored: Iterable[ScoredPicture], is_thing: np.ndarray) -> list[ScoreTables]:
    """Collects the counts of all pictures; returns the tables of each scored model."""
    pictures = list(scored)
    keys = [json.dumps(picture.image_id) for picture in pictures]
    order = sorted(range(len(pictures)), key=keys.__getitem__)
    count = len(pictures[0].counts) if pictures else 0
    return [
        _tables([p.counts[i] for p in pictures], pictures, order, is_thing) for i in range(count)
    ]


def _tables(
    counts: list[PictureCounts],
    pictures: Sequence[ScoredPicture],
    order: list[int],
    is_thing: np.ndarray,
) -> ScoreTables:
    ranked = [counts[i] for i in order]
    nothing = (np.zeros(0, np.int32), np.zeros((0, len(COLUMNS))))
    detections = [picture.detections for picture in ranked]
    has_none = not is_thing.any() or any(found is None for found in detections)
    return ScoreTables(
        is_thing,
        tuple(pictures[i].image_id for i in order),
        tuple(pictures[i].file for i in order),
        _rows([(c.keys, c.counts) for c in ranked], len(COLUMNS)),
        _rows([(c.classes, c.pixels) for c in ranked], len(PIXEL_COLUMNS)),
        _rows([c.listed or nothing for c in ranked], len(COLUMNS)),
        tuple((i, c.wrong_area) for i, c in enumerate(ranked) if c.wrong_area is not None),
        np.concatenate([c.ious for c in counts]),
        np.concatenate([c.iou_classes for c in counts]),
        None if has_none else match_detections(detections, is_thing),
        joined([c.losses.segments for c in ranked]),
        np.repeat(
            np.arange(len(ranked), dtype=np.int32), [len(c.losses.segments.ious) for c in ranked]
        ),
        _rows([c.losses.mended for c in ranked], len(COLUMNS)),
        _rows([c.losses.pixels for c in ranked], 1),
    )


def _rows(parts: list[tuple[np.ndarray, np.ndarray]], columns: int) -> Rows:
    sizes = [len(keys) for keys, _ in parts]
    return Rows(
        np.repeat(np.arange(len(parts), dtype=np.int32), sizes),
        np.concatenate([keys for keys, _ in parts]),
        np.concatenate([counts for _, counts in parts]).reshape(-1, columns).astype(np.float64),
    )
