"""Searches the settings with the best PQ: one setting after the other, until none gains."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from maskconver_tf.evaluation.mean_pq import mean_pq
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion, of_groups
from maskconver_tf.training.tuning.halves import halves
from maskconver_tf.training.tuning.sweep import Sweep, changed, with_class_threshold

SCORES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)
SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
AREAS = (0, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
GRID = {
    "score_threshold": SCORES,
    "stuff_score_threshold": SCORES,
    "overlap_threshold": SHARES,
    "stuff_overlap_threshold": SHARES,
    "min_area": AREAS,
}
"""Setting -> the values that are tried, besides that of the run."""
SWITCHES = ("mask_quality", "runner_up")
CHOSEN = 0
"""The half to choose on."""
_ROUNDS = 3
_LEAST_GAIN = 1e-6
"""In percent. A smaller gain is no reason to leave a value."""


@dataclasses.dataclass(frozen=True)
class Search:
    """Coordinate descent on the chosen half.

    The search begins at the best of some settings that lie far apart. One threshold after the other
    gets its best value, until a round changes nothing. Then each switch is turned for one round and
    stays so if that gains. With `per_class` each class may then get its own score threshold, if the
    PQ gains by it on both quarters that make the chosen half.

    Attributes:
      sweep: scores settings.
      grid: setting -> values.
      switches: the switches to try; empty to leave them as they are.
      per_class: whether classes may have their own score threshold.
      later: how many settings the caller scores after the search, for the time left.
    """

    sweep: Sweep
    grid: dict[str, Sequence[Any]]
    switches: Sequence[str] = SWITCHES
    per_class: bool = True
    later: int = 0

    def best(self, start: PanopticFusion) -> PanopticFusion:
        """Returns the settings with the best PQ on the chosen half, found from `start`."""
        start = dataclasses.replace(start, **_of_stuff(start), class_score_thresholds=())
        coarse = [start, *self._coarse(start)]
        classes = self._frequent_classes(start) if self.per_class else []
        stages = self._stages(len(coarse), len(classes))
        self.sweep.expect(*next(stages))
        best = self._best_of(coarse)
        self.sweep.expect(*next(stages))
        best = self._descend(best)
        for switch in self.switches:
            self.sweep.expect(*next(stages))
            self.sweep.forget()
            other = changed(best, switch, not getattr(best, switch))
            best = self._best_of([best, self._descend(other, rounds=1)])
        self.sweep.expect(*next(stages))
        best = self._descend(best)
        self.sweep.expect(*next(stages))
        return self._with_classes(best, classes)

    def _stages(self, num_coarse: int, num_classes: int) -> Iterator[tuple[str, int]]:
        """Each stage of `best`, and how many settings it and all later ones score at most."""
        one_round = sum(len(values) for values in self.grid.values())
        stages = [
            ("start", num_coarse),
            ("thresholds", _ROUNDS * one_round),
            *((switch, 1 + one_round) for switch in self.switches),
            ("thresholds again", _ROUNDS * one_round),
            ("classes", num_classes * len(self.grid["score_threshold"])),
        ]
        for number, (name, _) in enumerate(stages):
            yield name, sum(size for _, size in stages[number:]) + self.later

    def _coarse(self, start: PanopticFusion) -> Iterator[PanopticFusion]:
        """Settings far apart: single steps from a bad start may all be as bad."""
        names = "score_threshold", "overlap_threshold"
        for score, share in itertools.product(*(self.grid[name][::3] for name in names)):
            scores = {"score_threshold": score, "stuff_score_threshold": score}
            shares = {"overlap_threshold": share, "stuff_overlap_threshold": share}
            yield dataclasses.replace(start, **scores, **shares)

    def _descend(self, fusion: PanopticFusion, rounds: int = _ROUNDS) -> PanopticFusion:
        for _ in range(rounds):
            before = fusion
            for setting, values in self.grid.items():
                fusion = self._best_of([fusion, *(changed(fusion, setting, v) for v in values)])
            if fusion == before:
                break
        return fusion

    def _best_of(self, options: list[PanopticFusion]) -> PanopticFusion:
        """The best option; the first one unless another one gains."""
        best = options[0]
        for option in options[1:]:
            if self._pq(option) > self._pq(best) + _LEAST_GAIN:
                best = option
        return best

    def _with_classes(self, fusion: PanopticFusion, classes: Sequence[int]) -> PanopticFusion:
        for class_id in classes:
            options = [
                with_class_threshold(fusion, class_id, self.sweep.num_classes, value)
                for value in self.grid["score_threshold"]
            ]
            option = self._best_of([fusion, *options])
            if option != fusion and self._gains_on_both_quarters(fusion, option):
                fusion = option
        return fusion

    def _frequent_classes(self, fusion: PanopticFusion, least: int = 8) -> list[int]:
        """Classes with enough true segments in the chosen half, the most frequent first."""
        totals = self.sweep.totals(fusion)[CHOSEN]
        true_segments = totals[:, 2] + totals[:, 4]
        order = np.argsort(-true_segments, kind="stable")
        return [int(c) for c in order if true_segments[c] >= least]

    def _gains_on_both_quarters(self, before: PanopticFusion, after: PanopticFusion) -> bool:
        ids = [
            p.image_id for p, half in zip(self.sweep.pictures, self.sweep.half) if half == CHOSEN
        ]
        quarter = halves(["quarter " + image_id for image_id in ids])
        counts = [self.sweep.of_pictures(fusion, CHOSEN) for fusion in (before, after)]
        return all(
            mean_pq(counts[1][quarter == q].sum(0)) > mean_pq(counts[0][quarter == q].sum(0))
            for q in (0, 1)
        )

    def _pq(self, fusion: PanopticFusion) -> float:
        return self.sweep.pq(fusion, CHOSEN)


def grid_from(start: PanopticFusion, floor: float) -> dict[str, tuple[Any, ...]]:
    """Returns the values to try: those of `GRID` from the floor on, and those of the run."""
    own = {name: getattr(start, name) for name in GRID} | _of_stuff(start)
    scores = ("score_threshold", "stuff_score_threshold")
    return {
        name: tuple(sorted({own[name], *(v for v in values if name not in scores or v >= floor)}))
        for name, values in GRID.items()
    }


def _of_stuff(fusion: PanopticFusion) -> dict[str, float]:
    """The thresholds of stuff, also where stuff has none of its own."""
    names = "score_threshold", "overlap_threshold"
    return {f"stuff_{name}": of_groups(vars(fusion), name)[1] for name in names}
