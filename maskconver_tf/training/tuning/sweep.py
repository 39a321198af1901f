"""Scores settings of the fusion on all kept pictures, on all cores."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from maskconver_tf.evaluation.mean_pq import mean_pq
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality, PanopticQualityResult
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.tuning.halves import halves
from maskconver_tf.training.tuning.swept_picture import NUM_COUNTS, SweptPicture


class Sweep:
    """The pictures, their halves, and a memory of the settings that were scored.

    Args:
      pictures: see `SweptPicture`.
      is_thing: bool `[C]`.
      progress: a bar that counts scored settings; None for none.
    """

    def __init__(
        self, pictures: Sequence[SweptPicture], is_thing: np.ndarray, progress: tqdm | None = None
    ):
        self.pictures = pictures
        self._is_thing = np.asarray(is_thing)
        self._progress = progress
        self._pool = ThreadPoolExecutor(os.cpu_count())
        self._totals: dict[PanopticFusion, np.ndarray] = {}
        self.half = halves([picture.image_id for picture in pictures])

    def expect(self, stage: str, at_most: int) -> None:
        """Shows the stage of the work, and the time left if all these settings must be scored."""
        if self._progress is not None:
            self._progress.set_description(f"sweep, {stage}", refresh=False)
            self._progress.total = self._progress.n + at_most
            self._progress.refresh()

    @property
    def num_settings(self) -> int:
        """How many settings were scored so far."""
        return len(self._totals)

    @property
    def num_classes(self) -> int:
        return len(self._is_thing)

    def pq(self, fusion: PanopticFusion, half: int) -> float:
        """PQ in percent on one half, 0 without any class."""
        return 100.0 * float(np.nan_to_num(mean_pq(self.totals(fusion)[half])))

    def totals(self, fusion: PanopticFusion) -> np.ndarray:
        """Counts of both halves, float64 `[2, C, NUM_COUNTS]`."""
        if fusion not in self._totals:
            found = np.zeros([2, self.num_classes, NUM_COUNTS])
            for half, (classes, counts) in zip(self.half, self._counts(fusion), strict=True):
                found[half, classes] += counts
            self._totals[fusion] = found
            if self._progress is not None:
                self._progress.update()
        return self._totals[fusion]

    def of_pictures(self, fusion: PanopticFusion, half: int) -> np.ndarray:
        """Counts of each picture of a half, float64 `[P, C, NUM_COUNTS]`."""
        chosen = np.flatnonzero(self.half == half)
        all_counts = self._counts(fusion)
        found = np.zeros([len(chosen), self.num_classes, NUM_COUNTS])
        for row, number in enumerate(chosen):
            classes, counts = all_counts[number]
            found[row, classes] = counts
        return found

    def result(self, fusion: PanopticFusion) -> PanopticQualityResult:
        """The score over all pictures, equal to that of an evaluation with these settings."""
        quality = PanopticQuality(self.num_classes, self._is_thing)
        totals = self.totals(fusion).sum(axis=0)
        quality.iou_sum, quality.iou_rest = totals[:, 0].copy(), totals[:, 1].copy()
        quality.tp, quality.fp, quality.fn = totals[:, 2:].T.astype(np.int64)
        return quality.result()

    def forget(self) -> None:
        """Frees what the pictures remember. The scores of settings stay."""
        for picture in self.pictures:
            picture.forget()

    def close(self) -> None:
        """Ends the threads and the bar."""
        self._pool.shutdown()
        if self._progress is not None:
            self._progress.total = self._progress.n  # Known settings were not scored again.
            self._progress.close()

    def _counts(self, fusion: PanopticFusion) -> list[Any]:
        least = fusion.limits().scores(tf.constant(self._is_thing)).numpy()
        return list(self._pool.map(lambda picture: picture.counts(fusion, least), self.pictures))


def changed(fusion: PanopticFusion, setting: str, value: Any) -> PanopticFusion:
    """Returns the settings with one other value."""
    return dataclasses.replace(fusion, **{setting: value})


def with_class_threshold(
    fusion: PanopticFusion, class_id: int, num_classes: int, value: float | None
) -> PanopticFusion:
    """Returns the settings with another score threshold of one class."""
    own = list(fusion.class_score_thresholds or [None] * num_classes)
    own[class_id] = value
    is_empty = all(each is None for each in own)
    return dataclasses.replace(fusion, class_score_thresholds=() if is_empty else tuple(own))
