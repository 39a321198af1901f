"""Counts a picture again as if all errors of one kind were mended: what would that fix bring?

TIDE (Bolya et al., ECCV 2020, section 2.3) asks the same of detectors. Mending changes the
predicted map, and the usual rules match it again. So everything that follows from a fix counts: a
neighbor that had swallowed a segment also gets a better IoU.

- `wrong_class`: the prediction gets the class of the true segment and keeps its mask.
- `inexact_mask`: the prediction gets exactly the pixels of its match.
- all other kinds: the true segment is predicted exactly, and the wrong prediction is removed.

No fix makes any class worse. Mending one kind after the other brings PQ to 100.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.lost_quality.kinds import KINDS, NO_PARTNER, SegmentKinds
from maskconver_tf.evaluation.matching import Matches, exact_parts, match_segments

INEXACT_MASK, WRONG_CLASS = KINDS.index("inexact_mask"), KINDS.index("wrong_class")


class MatchingInput(NamedTuple):
    """The arguments of `match_segments`."""

    overlaps: np.ndarray
    truth_classes: np.ndarray
    is_crowd: np.ndarray
    predicted_classes: np.ndarray
    truth_areas: np.ndarray | None = None

    def match(self) -> Matches:
        return match_segments(*self)


def mended(given: MatchingInput, kinds: SegmentKinds, kind: int) -> MatchingInput:
    """Returns a picture without its errors of the kind with number `kind`."""
    if kind == WRONG_CLASS:
        return _relabelled(given, kinds)
    to_draw = np.flatnonzero(kinds.truth == kind)
    removed = kinds.predicted == kind
    overlaps, classes = given.overlaps.copy(), given.truth_classes[to_draw]
    drawn = np.zeros((len(overlaps), len(to_draw)), overlaps.dtype)
    drawn[to_draw + 1, np.arange(len(to_draw))] = overlaps[to_draw + 1].sum(axis=1)
    overlaps[to_draw + 1] = 0
    overlaps[:, 0] += overlaps[:, 1:].sum(axis=1, where=removed)
    kept = np.flatnonzero(~removed & (overlaps[:, 1:].sum(axis=0) > 0))
    columns = [overlaps[:, :1], overlaps[:, kept + 1], drawn]
    predicted_classes = np.concatenate([given.predicted_classes[kept], classes])
    return given._replace(
        overlaps=np.concatenate(columns, axis=1), predicted_classes=predicted_classes
    )


def class_counts(
    given: MatchingInput, matches: Matches, num_classes: int, is_exact: bool = True
) -> np.ndarray:
    """Returns sum of IoU in two parts, TP, FP and FN of each class; float64 `[C, 5]`.

    Args:
      is_exact: the IoUs are those of pixels, so their `exact_parts` add up without rounding. An IoU
        by listed areas may be any number; its second part is 0.
    """
    ious = matches.ious
    matched = given.truth_classes[matches.truth]
    parts = exact_parts(ious) if is_exact else (ious, np.zeros_like(ious))
    columns = [np.bincount(matched, part, num_classes) for part in parts]
    columns += [
        np.bincount(found, minlength=num_classes)
        for found in (
            matched,
            given.predicted_classes[matches.is_invented],
            given.truth_classes[matches.is_missed],
        )
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def changes_by_mending(
    given: MatchingInput, matches: Matches, kinds: SegmentKinds, num_classes: int, is_exact: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Returns what mending each kind alone changes in the counts of a picture.

    Returns:
      keys, int32 `[n]`: kind number x C + class; and counts, float64 `[n, 5]`: what to add to the
      `class_counts` of this picture. Rows without a change are left out.
    """
    before = class_counts(given, matches, num_classes, is_exact)
    keys, changes = [np.zeros(0, np.int64)], [np.zeros((0, before.shape[1]))]
    for kind in _kinds_present(matches, kinds):
        other = mended(given, kinds, kind)
        change = class_counts(other, other.match(), num_classes, is_exact) - before
        classes = np.flatnonzero(change.any(axis=1))
        keys.append(kind * num_classes + classes)
        changes.append(change[classes])
    return np.concatenate(keys).astype(np.int32), np.concatenate(changes)


def _kinds_present(matches: Matches, kinds: SegmentKinds) -> list[int]:
    present = set(kinds.truth.tolist()) | set(kinds.predicted.tolist())
    if (matches.ious == 1).all():
        present.discard(INEXACT_MASK)
    return sorted(kind for kind in present if kind >= 0)


def _relabelled(given: MatchingInput, kinds: SegmentKinds) -> MatchingInput:
    swapped = np.flatnonzero(kinds.truth == WRONG_CLASS)
    partners = kinds.truth_partners[swapped]
    assert (partners != NO_PARTNER).all()
    classes = given.predicted_classes.copy()
    classes[partners] = given.truth_classes[swapped]
    return given._replace(predicted_classes=classes)
