"""Mean intersection over union (mIoU) of class maps."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class MeanIouResult:
    """Result of `MeanIou`; all values are 0..1.

    Attributes:
      iou: `[C]`, NaN for a class that occurs neither in truth nor in a prediction.
      pixel_accuracy: share of the labelled pixels with the right class, NaN without such pixels.
    """

    iou: np.ndarray
    pixel_accuracy: float

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that occur in truth or prediction; NaN if none does."""
        present = self.iou[~np.isnan(self.iou)]
        return float(present.mean()) if present.size else float("nan")


class MeanIou:
    """Counts pixels by true and predicted class, over any number of pictures.

    Pixels with void truth are ignored.

    Args:
      num_classes: C, the number of classes.

    Attributes:
      confusion: int64 `[C, C]`, number of pixels for each true class (row) and predicted class
        (column). The matrices of several processes can be added.
    """

    def __init__(self, num_classes: int):
        self.confusion = np.zeros([num_classes, num_classes], np.int64)

    def update(self, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Adds a picture.

        Args:
          truth: int `[h, w]`, contiguous class ids, negative for void.
          predicted: int `[h, w]`, a contiguous class id for each pixel.
        """
        num_classes = len(self.confusion)
        labelled = truth >= 0
        pairs = truth[labelled].astype(np.int64) * num_classes + predicted[labelled]
        self.confusion += np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, -1)

    def result(self) -> MeanIouResult:
        """Returns the result over all pictures so far."""
        right = np.diag(self.confusion).astype(np.float64)
        union = self.confusion.sum(0) + self.confusion.sum(1) - right
        total = self.confusion.sum()
        with np.errstate(invalid="ignore"):
            iou = np.where(union > 0, right / np.maximum(union, 1), np.nan)
        return MeanIouResult(iou, float(right.sum() / total) if total else float("nan"))
