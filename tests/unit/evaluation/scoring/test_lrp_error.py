"""The LRP error by hand."""

import numpy as np
import pytest

from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.scoring.lrp_error import lrp_errors
from maskconver_tf.types import Segment


def errors(truth, predicted, classes=(0, 0, 1)):
    quality = PanopticQuality(3, np.array([True, True, False]))
    sides = []
    for row in (truth, predicted):
        ids = np.array([row])
        found = [Segment(i, classes[i - 1]) for i in np.unique(row).tolist() if i]
        sides += [ids, found]
    quality.update(*sides)
    return lrp_errors(quality.result())


def test_by_hand():
    """Class 0: IoU 3/4 and one missed of two. Class 1: exact. Class 2 does not occur."""
    found = errors([1, 1, 1, 1, 2, 3], [1, 1, 1, 0, 0, 3])
    assert found.tolist() == pytest.approx([(2 * 1 / 4 + 1) / 2, 0, np.nan], nan_ok=True)


def test_nothing_right_is_one():
    assert errors([1, 1], [3, 3])[:2].tolist() == [1, 1]
