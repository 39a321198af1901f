"""Names, shapes and dtypes of the fields that input, models, losses and results share.

Input, models and losses do not import each other; they share only these names. Letters: B pictures
in a batch, H and W input height and width in pixels, K segment slots, C classes, D embedding width.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

PAD_ID = -1
"""Marks an empty slot: no segment, no proposal."""

VOID = 0
"""In a `slot_map`: a pixel without a segment (unlabelled truth, crowd, padding). No mask
loss counts it; the heatmap loss may take its cells as negatives."""

NO_CLASS = -1
"""In a `class_map`: a pixel without a class (unlabelled truth, padding). It never counts."""

VOID_SEGMENT_ID = 0
"""In a `panoptic_map`: a pixel without a segment."""

# ---- A training example: the fields that go from the host to the device --------------------------
IMAGE = "image"
"""uint8 `[H, W, 3]`, RGB; the model normalises it."""
CONTENT_SIZE = "content_size"
"""int32 `[2]`: height and width of the picture, which is at the top left of the padded input."""
SLOT_MAP = "slot_map"
"""`[H / label_stride, W / label_stride]`, uint8, or uint16 if K is above 255: the slot of the
segment at each cell, counted from 1, or `VOID`."""
SLOT_CLASS_IDS = "slot_class_ids"
"""int32 `[K]`: contiguous class of each slot, or `PAD_ID`."""
SLOT_IS_THING = "slot_is_thing"
"""bool `[K]`: whether the class of each slot is a thing. The device adds it from the class list for
the losses that need it."""
CENTER_LEVELS = "center_levels"
"""int32 `[K]`: pyramid level of each slot's center, or `PAD_ID`."""
CENTER_INDICES = "center_indices"
"""int32 `[K, 2]`: row and column (y, x) of the center's cell on its level; 0 in an empty slot."""
GAUSSIAN_RADII = "gaussian_radii"
"""int32 `[K]`: radius of the center's Gaussian, in cells of its level; 0 in an empty slot."""
STEP = "step"
"""int64 scalar: number of the training step, for random draws. The step adds it on the device."""
NUM_DROPPED = "num_dropped_segments"
"""int32 scalar: number of segments that became void for lack of a slot, a center or a map cell."""
CLASS_MAP = "class_map"
"""int16 `[H / label_stride, W / label_stride]`: the class at each cell, or `NO_CLASS`. Semantic
examples have it in place of slots."""
CLASS_ID = "class_id"
"""int32 scalar: the class of the whole picture. Classification examples have it."""

# ---- Fields that identify and score an example; they stay on the host ----------------------------
IMAGE_ID = "image_id"
"""string scalar: the source's image id as JSON text (`"42"` for 42, `"\\"a_01\\""` for a_01)."""
FILE_NAME = "file_name"
"""string scalar: the source picture's file name."""
IMAGE_SIZE = "image_size"
"""int32 `[2]`: height and width of the original picture."""
BRIGHTNESS = "brightness"
"""uint8 `[h, w]` at original size, `[0, 0]` if it is not needed; only in `maskconver evaluate`."""
SEGMENT_MAP = "segment_map"
"""int32 `[h, w]` at original size: i for the i-th segment counted from 1, 0 for void."""
SEGMENT_IDS = "segment_ids"
"""int64 `[n]`: the source's segment ids."""
SEGMENT_CLASS_IDS = "segment_class_ids"
"""int32 `[n]`: contiguous class ids."""
SEGMENT_IS_CROWD = "segment_is_crowd"
"""bool `[n]`: True where the segment is a crowd region."""

# ---- Model outputs -------------------------------------------------------------------------------
CENTER_HEATMAP_LOGITS = "center_heatmap_logits"
"""dict level -> float32 `[B, Hl, Wl, C]`."""
MASK_FEATURES = "mask_features"
"""`[B, h, w, D]`, at the mask stride; 10 more channels with `MaskConver.position`, and D more with
`MaskConver.flip_at_inference`."""
MASK_EMBEDDINGS = "mask_embeddings"
"""`[B, K, D]`: one per slot (training) or proposal (inference); more channels as those of
`MASK_FEATURES`."""
MASK_LOGITS = "mask_logits"
"""float32 `[B, h, w, K]`, only in training. Inference makes masks after it drops low scores."""
PROPOSAL_SCORES = "proposal_scores"
"""float32 `[B, K]`, 0..1, highest first."""
PROPOSAL_CLASS_IDS = "proposal_class_ids"
"""int32 `[B, K]`."""
PROPOSAL_CENTERS = "proposal_centers"
"""float32 `[B, K, 2]`: the middle (y, x) of each proposal's center cell, in input pixels."""
SEMANTIC_LOGITS = "semantic_logits"
"""float32 `[B, h, w, C]`, at the mask stride; from a semantic model, or in training from the
semantic branch of a panoptic model."""
CENTER_SCORES = "center_scores"
"""float32 `[B, h, w, 1]`, at the mask stride: 1 at the center of a thing of whatever class, 0 far
from any; a regression, so it may leave 0..1. From Panoptic-DeepLab."""
CENTER_OFFSETS = "center_offsets"
"""float32 `[B, h, w, 2]`, at the mask stride: (y, x) from the middle of the cell to the center of
its thing, in input pixels; without meaning where no thing is. From Panoptic-DeepLab."""
CLASS_LOGITS = "class_logits"
"""float32 `[B, C]`; from a classifier."""

# ---- A finished prediction, at original picture size ---------------------------------------------
PANOPTIC_MAP = "panoptic_map"
"""int32 `[h, w]`: segment id of each pixel, or `VOID_SEGMENT_ID`."""
SEGMENT_SCORES = "segment_scores"
"""float32 `[n]`, 0..1."""
SEGMENT_AREAS = "segment_areas"
"""int32 `[n]`: number of pixels."""
SEGMENT_BOXES = "segment_boxes"
"""int32 `[n, 4]`: (y0, x0, y1, x1), half-open."""


@dataclasses.dataclass(frozen=True)
class Segment:
    """One segment of a panoptic map, as an object on the host.

    Attributes:
      id: its value in the panoptic map; never `VOID_SEGMENT_ID`.
      class_id: contiguous class, 0..C-1.
      is_crowd: True for a region of many things that are not separated; only in the truth.
      score: 0..1 for a prediction, None for the truth.
      area: number of pixels.
      box: (y0, x0, y1, x1), half-open.
    """

    id: int
    class_id: int
    is_crowd: bool = False
    score: float | None = None
    area: int = 0
    box: tuple[int, int, int, int] = (0, 0, 0, 0)


def segments_from_arrays(prediction: Mapping[str, np.ndarray]) -> list[Segment]:
    """Makes `Segment` objects from the segment fields of a finished prediction."""
    names = (SEGMENT_IDS, SEGMENT_CLASS_IDS, SEGMENT_SCORES, SEGMENT_AREAS, SEGMENT_BOXES)
    columns = [np.asarray(prediction[name]).tolist() for name in names]
    return [
        Segment(id=number, class_id=class_id, score=score, area=area, box=tuple(box))
        for number, class_id, score, area, box in zip(*columns, strict=True)
    ]
