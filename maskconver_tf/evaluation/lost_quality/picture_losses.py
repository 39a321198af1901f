"""Everything that the results need of one picture to say where its quality is lost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.lost_quality.confusion import confused_pixels
from maskconver_tf.evaluation.lost_quality.kinds import kinds_of_segments
from maskconver_tf.evaluation.lost_quality.mending import MatchingInput, changes_by_mending
from maskconver_tf.evaluation.lost_quality.segment_table import (
    ListedSegments,
    SegmentTable,
    segment_table,
)
from maskconver_tf.evaluation.matching import Matches


class PictureLosses(NamedTuple):
    """The losses of one picture.

    Attributes:
      segments: what became of each segment.
      mended: keys and counts of `changes_by_mending`.
      pixels: keys and counts of `confused_pixels`.
    """

    segments: SegmentTable
    mended: tuple[np.ndarray, np.ndarray]
    pixels: tuple[np.ndarray, np.ndarray]


def picture_losses(
    given: MatchingInput,
    matches: Matches,
    truth: ListedSegments,
    predicted: ListedSegments,
    is_thing: np.ndarray,
) -> PictureLosses:
    """Counts one picture.

    Args:
      given: what was matched. `truth_areas` is None, except for COCO's program.
      is_thing: bool `[C]`.
    """
    classes = given.truth_classes, given.is_crowd, given.predicted_classes
    kinds = kinds_of_segments(given.overlaps, matches, *classes, is_thing)
    is_exact = given.truth_areas is None
    return PictureLosses(
        segment_table(given.overlaps, matches, kinds, truth, predicted),
        changes_by_mending(given, matches, kinds, len(is_thing), is_exact),
        confused_pixels(given, len(is_thing)),
    )
