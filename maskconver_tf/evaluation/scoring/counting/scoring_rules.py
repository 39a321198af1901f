"""What a scoring counts."""

from __future__ import annotations

import dataclasses

import numpy as np

MEASURES = ("panoptic", "small", "medium", "large", "boundary")
"""What is counted by class. The three sizes are those of COCO, see `SIZE_BOUNDS`."""
SIZE_BOUNDS = (32**2, 96**2)
"""Fewest pixels of a medium and of a large segment."""
COLUMNS = ("iou_sum", "iou_rest", "tp", "fp", "fn")
"""Of a row of counts. The first two add up to the sum of IoU, see `exact_parts`."""
PIXEL_COLUMNS = ("right", "truth", "predicted")
"""Of a row of pixel counts: pixels of the class in both, in the truth, in the prediction."""


@dataclasses.dataclass(frozen=True)
class ScoringRules:
    """What to count and how.

    Attributes:
      is_thing: bool `[C]`.
      strict: match as COCO's program, with the areas that the truth's file lists.
      boundary: also match by boundary IoU.
    """

    is_thing: np.ndarray
    strict: bool = False
    boundary: bool = False
