"""One picture under many settings of the fusion, with a memory for what settings share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskconver_tf.evaluation.matching import exact_parts, match_segments
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion, of_groups
from maskconver_tf.training.tuning.contest import Contest, Contests
from maskconver_tf.training.tuning.kept_picture import KeptPicture

NUM_COUNTS = 5
"""Both parts of the sum of IoU, TP, FP, FN: the columns of counts."""

Counts = tuple[np.ndarray, np.ndarray]
"""Classes int64 `[m]`, each once, and their counts float64 `[m, NUM_COUNTS]`."""


class SweptPicture:
    """Counts matches of one picture for any `PanopticFusion`, equal to those of an evaluation.

    Settings that let the same proposals compete share the contest. Settings that keep the same
    segments share the counts. So most settings cost a comparison of scores.

    Args:
      load: reads the picture with its proposals.
      is_thing: bool `[C]`.
      mask_stride: input pixels per cell of the mask features.
    """

    def __init__(self, load: Callable[[], KeptPicture], is_thing: np.ndarray, mask_stride: int):
        picture = load()
        self.image_id = picture.image_id
        self._scores, self._class_ids = picture.scores, picture.class_ids
        self._truth_class_ids, self._is_crowd = picture.truth_class_ids, picture.is_crowd
        self._is_thing = np.asarray(is_thing)
        self._contests = Contests(load, mask_stride)
        self._memory: dict[tuple, object] = {}

    def counts(self, fusion: PanopticFusion, least: np.ndarray) -> Counts:
        """Counts the picture.

        Args:
          fusion: the settings.
          least: float32 `[C]`, the least score of each class under these settings.
        """
        key = self._key(fusion, least)
        contest = self._remember(key, lambda: self._contests.compute(least, fusion.mask_quality))
        alive = self._alive(contest, fusion)
        again = (*key, fusion.runner_up, alive.tobytes())
        return self._remember(again, lambda: self._count(contest, fusion, least, alive))

    def forget(self) -> None:
        """Frees the memory."""
        self._memory.clear()

    def _remember(self, key: tuple, compute):
        if key not in self._memory:
            self._memory[key] = compute()
        return self._memory[key]

    def _key(self, fusion: PanopticFusion, least: np.ndarray) -> tuple:
        """Equal for settings with the same candidates."""
        own = least[self._class_ids]
        passed = self._scores >= own
        if not fusion.mask_quality:
            return False, passed.tobytes()
        first = (True, passed.tobytes())
        # The second test drops more proposals, so the scores of the first test are part of the key.
        order = np.argsort(-self._scores, kind="stable")
        scores = self._remember((*first, "quality"), lambda: self._contests.qualities(least))
        kept = scores >= own[order][passed[order]]
        return (*first, kept.tobytes())

    def _alive(self, contest: Contest, fusion: PanopticFusion) -> np.ndarray:
        """Step 3 of `PanopticFusion`; bool `[n]`."""
        areas, of_mask = contest.areas, contest.mask_areas
        of_things, of_stuff = of_groups(vars(fusion), "overlap_threshold")
        shares = np.where(self._is_thing[contest.class_ids], of_things, of_stuff)
        required = of_mask.astype(np.float32) * shares.astype(np.float32)
        large = areas >= max(fusion.min_area, 1)
        return large & (of_mask > 0) & (areas.astype(np.float32) >= required)

    def _count(
        self, contest: Contest, fusion: PanopticFusion, least: np.ndarray, alive: np.ndarray
    ) -> Counts:
        class_ids = contest.class_ids[alive]
        if fusion.runner_up:
            won = self._contests.repeat(least, fusion.mask_quality, alive)
            nobody, won = won[:, :1], won[:, 1:]
        else:
            won = contest.overlaps[:, 1:][:, alive]
            nobody = contest.overlaps.sum(axis=1, keepdims=True) - won.sum(axis=1, keepdims=True)
        columns, classes = self._joined(won, class_ids)
        overlaps = np.concatenate([nobody, columns], axis=1).astype(np.int64)
        matches = match_segments(overlaps, self._truth_class_ids, self._is_crowd, classes)
        matched = self._truth_class_ids[matches.truth]
        missed = self._truth_class_ids[matches.is_missed]
        invented = classes[matches.is_invented]
        present = np.unique(np.concatenate([matched, missed, invented]))
        counts = np.zeros([len(present), NUM_COUNTS])
        first, rest = exact_parts(matches.ious)
        np.add.at(counts[:, 0], np.searchsorted(present, matched), first)
        np.add.at(counts[:, 1], np.searchsorted(present, matched), rest)
        for column, classes_of in ((2, matched), (3, invented), (4, missed)):
            np.add.at(counts[:, column], np.searchsorted(present, classes_of), 1.0)
        return present, counts

    def _joined(self, won: np.ndarray, class_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Joins stuff of one class, as `assign_segment_ids` does."""
        keys = np.where(self._is_thing[class_ids], -1 - np.arange(len(class_ids)), class_ids)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        joined = np.zeros([len(won), len(first)], np.int64)
        np.add.at(joined.T, inverse, won.T)
        return joined, class_ids[first]
