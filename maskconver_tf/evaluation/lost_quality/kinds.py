"""Gives each segment that costs panoptic quality one kind of error.

The quality of a class is PQ = sum of IoU / W with W = TP + FP / 2 + FN / 2 (Kirillov et al., CVPR
2019, equation 1). So its distance to 1 is a sum over segments, divided by W:

    1 - PQ = (sum over matches of (1 - IoU)  +  FP / 2  +  FN / 2) / W

A match loses 1 - IoU (kind `inexact_mask`). Each true segment without a match and each predicted
segment that counts as wrong loses 1/2 in its own class, and gets one kind: the first of this list
that applies. Crowds, and predictions that PQ forgives (mostly on void or crowd), lose nothing and
have no kind. Pixels on void never count. "Covers" and "lies in" mean more than half.

1. `wrong_class`: a true and a predicted segment without a match, of different classes, have an IoU
   above 1/2. Both segments have this kind.
2. `merged`: one prediction covers two or more true segments of its class. The prediction and those
   true segments have this kind, except a pair that matches.
3. `split`: two or more predictions lie in one true segment of their class. The true segment and
   those predictions have this kind, except a pair that matches.
4. `drawn_over`: more than half of a true segment is predicted as *things* that are not it: things
   of another class, or things that match another true segment. A prediction of its class that lies
   in this true segment has the same kind. Stuff does not draw over: it is the background, so a true
   segment whose pixels are predicted as stuff is missed.
5. `poor_mask`: a true and a predicted segment without a match, of one class, have an IoU from 0.1
   to 1/2. Both segments have this kind. TIDE (Bolya et al., ECCV 2020, section 2.2) has the same
   bounds.
6. `missed`: any other true segment.
   `invented`: any other prediction.

The kinds do not depend on the ids of the segments and not on their order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.evaluation.matching import Matches

KINDS = (
    "inexact_mask",
    "wrong_class",
    "merged",
    "split",
    "drawn_over",
    "poor_mask",
    "missed",
    "invented",
)
"""All kinds, in the order of their priority. A kind number is a position in this tuple."""
NO_KIND = -1
"""Of a segment that loses nothing: a crowd, or a forgiven prediction."""
NO_PARTNER = -1

_MATCHED, _WRONG_CLASS, _MERGED, _SPLIT, _DRAWN_OVER, _POOR_MASK, _MISSED, _INVENTED = range(8)
_POOR_IOU = 0.1
"""Least IoU of a poor mask."""


class SegmentKinds(NamedTuple):
    """The kinds of the T true and P predicted segments of a picture.

    Attributes:
      truth: int8 `[T]`, kind number of each true segment, or `NO_KIND`. A matched one has that of
        `inexact_mask`, also if its IoU is 1.
      predicted: int8 `[P]`, the same of each predicted segment.
      truth_partners: int64 `[T]`, position of the predicted segment that takes part in the error,
        or `NO_PARTNER`.
      predicted_partners: int64 `[P]`, position of the true segment that takes part in it.
      ious: float64 `[T, P]`, IoU of each pair; void does not count.
    """

    truth: np.ndarray
    predicted: np.ndarray
    truth_partners: np.ndarray
    predicted_partners: np.ndarray
    ious: np.ndarray


def kinds_of_segments(
    overlaps: np.ndarray,
    matches: Matches,
    truth_classes: np.ndarray,
    is_crowd: np.ndarray,
    predicted_classes: np.ndarray,
    is_thing: np.ndarray,
) -> SegmentKinds:
    """Finds the kind of each segment of a picture by the rules above.

    Args:
      overlaps: int `[T + 1 or more, P + 1]`, common pixels of each pair, see `match_segments`.
      matches: the matches of these segments.
      truth_classes, predicted_classes: int `[T]` and `[P]`.
      is_crowd: bool `[T]`.
      is_thing: bool `[C]`.
    """
    count = len(truth_classes)
    shared = overlaps[1 : count + 1, 1:]  # [T, P]
    truth_areas = overlaps[1 : count + 1].sum(axis=1)
    labelled = overlaps[1:, 1:].sum(axis=0)  # [P], without void.
    unions = truth_areas[:, np.newaxis] + labelled - shared
    ious = shared / np.maximum(unions, 1)
    truth = np.full(count, NO_KIND, np.int8)
    predicted = np.full(len(predicted_classes), NO_KIND, np.int8)
    truth_partners = np.full(count, NO_PARTNER, np.int64)
    predicted_partners = np.full(len(predicted_classes), NO_PARTNER, np.int64)
    truth[matches.truth] = predicted[matches.predicted] = _MATCHED
    truth_partners[matches.truth] = matches.predicted
    predicted_partners[matches.predicted] = matches.truth
    if matches.is_missed.any() or matches.is_invented.any():
        open_truth = matches.is_missed.copy()
        open_predicted = matches.is_invented.copy()
        relations = _relations(
            shared,
            truth_areas,
            labelled,
            ious,
            matches,
            (truth_classes, is_crowd, predicted_classes, is_thing),
        )
        for kind, of_truth, of_predicted, scores in relations:
            _assign(kind, of_truth, scores, open_truth, truth, truth_partners)
            _assign(kind, of_predicted.T, scores.T, open_predicted, predicted, predicted_partners)
        truth[open_truth], predicted[open_predicted] = _MISSED, _INVENTED
    return SegmentKinds(truth, predicted, truth_partners, predicted_partners, ious)


def _assign(
    kind: int,
    related: np.ndarray,
    scores: np.ndarray,
    is_open: np.ndarray,
    kinds: np.ndarray,
    partners: np.ndarray,
) -> None:
    """Gives `kind` to the open rows that are related to a column; closes them.

    Args:
      related, scores: `[rows, columns]`; the partner of a row is its related column with the
        highest score.
      is_open, kinds, partners: `[rows]`, changed in place.
    """
    rows = np.flatnonzero(is_open & related.any(axis=1))
    if rows.size:
        kinds[rows], is_open[rows] = kind, False
        partners[rows] = np.where(related[rows], scores[rows], -1).argmax(axis=1)


def _relations(
    shared: np.ndarray,
    truth_areas: np.ndarray,
    labelled: np.ndarray,
    ious: np.ndarray,
    matches: Matches,
    classes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Returns the kinds in order of priority, with the pairs `[T, P]` that explain a true segment,
    those that explain a prediction, and the scores by which partners are chosen.
    """
    truth_classes, is_crowd, predicted_classes, is_thing = classes
    is_real = ~is_crowd[:, np.newaxis]
    same = (truth_classes[:, np.newaxis] == predicted_classes) & is_real
    is_free = np.ones(len(labelled), np.bool_)
    is_free[matches.predicted] = False
    unmatched = matches.is_missed[:, np.newaxis] & is_free

    is_swap = unmatched & ~same & (ious > 0.5)
    covers = same & (2 * shared > truth_areas[:, np.newaxis])
    is_merge = covers & (covers.sum(axis=0) > 1)
    lies_in = same & (2 * shared > labelled)
    is_split = lies_in & (lies_in.sum(axis=1) > 1)[:, np.newaxis]
    is_other = is_thing[predicted_classes] & ~(same & is_free)
    is_other[matches.truth, matches.predicted] = False
    on_others = np.where(is_other, shared, 0)
    is_hidden = matches.is_missed & (2 * on_others.sum(axis=1) > truth_areas)
    is_over = is_other & (shared > 0) & is_hidden[:, np.newaxis]
    is_hidden &= ~(is_swap | is_merge | is_split).any(axis=1)
    is_poor = unmatched & same & (ious >= _POOR_IOU)
    return [
        (_WRONG_CLASS, is_swap, is_swap, ious),
        (_MERGED, is_merge, is_merge, shared),
        (_SPLIT, is_split, is_split, shared),
        (_DRAWN_OVER, is_over, lies_in & is_hidden[:, np.newaxis], shared),
        (_POOR_MASK, is_poor, is_poor, ious),
    ]
