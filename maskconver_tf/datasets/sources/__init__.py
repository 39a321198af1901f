"""Where pictures with panoptic truth come from: one file for each layout on disk."""

from __future__ import annotations

from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.datasets.sources.source import (
    Items,
    Refused,
    Source,
    SourceSegment,
    Truth,
    WorkItem,
)

__all__ = ["CocoPanoptic", "Items", "Refused", "Source", "SourceSegment", "Truth", "WorkItem"]
