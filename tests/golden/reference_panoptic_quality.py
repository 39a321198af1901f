"""A second implementation of panoptic quality, with one boolean mask per pair of segments.

This shares no code with the package. It follows the rules of the paper and COCO literally, and uses
exact fractions, which are rounded only at the end.
"""

from __future__ import annotations

from fractions import Fraction

HALF = Fraction(1, 2)


class ReferencePanopticQuality:
    def __init__(self, num_classes, is_thing):
        self.is_thing = is_thing
        self.ious = [[] for _ in range(num_classes)]
        self.num_fp = [0] * num_classes
        self.num_fn = [0] * num_classes

    def update(self, truth_map, truth_segments, predicted_map, predicted_segments):
        void = truth_map == 0
        matched_truth, matched_predicted = set(), set()
        for truth in truth_segments:
            for predicted in predicted_segments:
                if truth.is_crowd or truth.class_id != predicted.class_id:
                    continue
                truth_mask = truth_map == truth.id
                predicted_mask = (predicted_map == predicted.id) & ~void
                union = int((truth_mask | predicted_mask).sum())
                iou = Fraction(int((truth_mask & predicted_mask).sum()), union) if union else 0
                if iou > HALF:
                    self.ious[truth.class_id].append(iou)
                    matched_truth.add(truth.id)
                    matched_predicted.add(predicted.id)
        for truth in truth_segments:
            if truth.id not in matched_truth and not truth.is_crowd:
                self.num_fn[truth.class_id] += 1
        for predicted in predicted_segments:
            if predicted.id in matched_predicted:
                continue
            forgiving = void
            for truth in truth_segments:
                if truth.is_crowd and truth.class_id == predicted.class_id:
                    forgiving = void | (truth_map == truth.id)  # of several, the last listed
            mask = predicted_map == predicted.id
            if Fraction(int((mask & forgiving).sum()), int(mask.sum())) <= HALF:
                self.num_fp[predicted.class_id] += 1

    def quality_of_class(self, class_id):
        """(pq, sq, rq) as fractions, None where the class does not occur."""
        ious = self.ious[class_id]
        weight = len(ious) + HALF * self.num_fp[class_id] + HALF * self.num_fn[class_id]
        if weight == 0:
            return None
        sq = sum(ious) / len(ious) if ious else Fraction(0)
        return sum(ious) / weight, sq, len(ious) / weight

    def average(self, members):
        """(pq, sq, rq, number of classes) over the classes for which `members` is true."""
        qualities = [self.quality_of_class(i) for i, is_in in enumerate(members) if is_in]
        counted = [quality for quality in qualities if quality is not None]
        if not counted:
            return None, None, None, 0
        return *(sum(column) / len(counted) for column in zip(*counted, strict=True)), len(counted)
