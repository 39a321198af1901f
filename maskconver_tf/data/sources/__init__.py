"""Where pictures with panoptic truth come from: one file for each layout on disk."""

from __future__ import annotations

from maskconver_tf.data.sources.coco_panoptic import CocoPanoptic
from maskconver_tf.data.sources.source import (
    Items,
    Refused,
    Source,
    SourceSegment,
    Truth,
    WorkItem,
)

__all__ = ["CocoPanoptic", "Items", "Refused", "Source", "SourceSegment", "Truth", "WorkItem"]
