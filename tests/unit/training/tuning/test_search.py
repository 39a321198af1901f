"""The search finds the best of a grid, and its bar never promises too little work."""

import numpy as np

from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.tuning.search import Search
from maskconver_tf.training.tuning.sweep import Sweep

GRID = {
    "score_threshold": (0.1, 0.2, 0.3, 0.4),
    "stuff_score_threshold": (0.1, 0.2, 0.3, 0.4),
    "overlap_threshold": (0.5, 0.6, 0.7, 0.8),
    "stuff_overlap_threshold": (0.0, 0.4, 0.8),
    "min_area": (0, 16, 64),
}

WANTED = PanopticFusion(
    0.3, 0.6, 64, stuff_score_threshold=0.2, stuff_overlap_threshold=0.4, runner_up=True
)


class HillSweep(Sweep):
    """Scores settings by their distance to the best ones, in place of pictures."""

    def __init__(self):
        super().__init__([], np.array([True, False]))
        self.promised: list[tuple[str, int]] = []

    def expect(self, stage, at_most):
        self.promised.append((stage, self.num_settings + at_most))

    def totals(self, fusion):
        self._totals.setdefault(fusion, np.ones([2, 2, 5]) * 100)
        return self._totals[fusion]

    def pq(self, fusion, half):
        self.totals(fusion)
        names = (*GRID, "mask_quality", "runner_up")
        return -sum(abs(getattr(fusion, n) - getattr(WANTED, n)) for n in names)


def search(per_class=False, later=0):
    sweep = HillSweep()
    found = Search(sweep, GRID, per_class=per_class, later=later).best(PanopticFusion(0.1))
    return sweep, found


def test_finds_the_top_of_a_hill():
    _, found = search()
    assert found == WANTED


def test_promises_at_least_the_settings_that_it_scores_and_never_more_than_before():
    sweep, _ = search(per_class=True)
    names = " ".join(name.replace(" ", "-") for name, _ in sweep.promised)
    assert names == "start thresholds mask_quality runner_up thresholds-again classes"
    limits = [limit for _, limit in sweep.promised]
    assert sorted(limits, reverse=True) == limits
    assert limits[-1] >= sweep.num_settings


def test_counts_what_the_caller_scores_later():
    without, more = search()[0].promised, search(later=7)[0].promised
    assert [limit + 7 for _, limit in without] == [limit for _, limit in more]
