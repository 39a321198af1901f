"""Mean intersection over union of class maps."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class MeanIouResult:
    """Ratios 0..1.

    Attributes:
      iou: `[C]`; NaN for a class in neither truth nor prediction.
      pixel_accuracy: share of the labelled pixels that have their class; NaN if there is none.
    """

    iou: np.ndarray
    pixel_accuracy: float

    @property
    def mean_iou(self) -> float:
        """Over the classes in truth or prediction; NaN if there is none."""
        present = self.iou[~np.isnan(self.iou)]
        return float(present.mean()) if present.size else float("nan")


class MeanIou:
    """Counts pixels of truth and prediction, class by class, over any number of pictures.

    Void truth counts nowhere, whatever is predicted there.

    Args:
      num_classes: C.

    Attributes:
      confusion: int64 `[C, C]`: pixels of true class (row) that were predicted (column). May be
        added up over processes.
    """

    def __init__(self, num_classes: int):
        self.confusion = np.zeros([num_classes, num_classes], np.int64)

    def update(self, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Adds a picture.

        Args:
          truth: int `[h, w]`, contiguous classes; negative for void.
          predicted: int `[h, w]`, a class for each pixel.
        """
        num_classes = len(self.confusion)
        labelled = truth >= 0
        pairs = truth[labelled].astype(np.int64) * num_classes + predicted[labelled]
        self.confusion += np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, -1)

    def result(self) -> MeanIouResult:
        """Of all pictures so far."""
        right = np.diag(self.confusion).astype(np.float64)
        union = self.confusion.sum(0) + self.confusion.sum(1) - right
        total = self.confusion.sum()
        with np.errstate(invalid="ignore"):
            iou = np.where(union > 0, right / np.maximum(union, 1), np.nan)
        return MeanIouResult(iou, float(right.sum() / total) if total else float("nan"))
