"""The inputs and outputs of an exported model, by name."""

from __future__ import annotations

from maskconver_tf import types

# ---- Signatures ----------------------------------------------------------------------------------
SERVING_DEFAULT = "serving_default"
"""Takes encoded files; of an export without fusion it is `RAW_HEADS`."""
SERVING_WITH_THRESHOLDS = "serving_with_thresholds"
"""Like `serving_default`, with thresholds as further inputs."""
SEGMENT_IMAGE = "segment_image"
SEGMENT_TENSOR = "segment_tensor"
RAW_HEADS = "raw_heads"

# ---- Inputs --------------------------------------------------------------------------------------
ENCODED_IMAGES = "encoded_images"
"""string `[B]`: JPEG, PNG, GIF, BMP or WebP files."""
IMAGE = "image"
"""`segment_image` input: uint8 `[h, w, 3]`, RGB, any size."""
IMAGES = "images"
"""`segment_tensor` and `raw_heads` input: uint8 `[B, h, w, 3]`, RGB, any size."""
SCORE_THRESHOLD = "score_threshold"
"""float32 `[B]` or `[1]`; below 0 for the export's own, as for the next two."""
OVERLAP_THRESHOLD = "overlap_threshold"
"""float32 `[B]` or `[1]`."""
MIN_AREA = "min_area"
"""int32 `[B]` or `[1]`, in pixels."""

# ---- Outputs -------------------------------------------------------------------------------------
STATUS = "status"
"""int32 `[B]`: 0, or why a file has no answer; see `files/graph_decoding/picture_status.py`."""
STATUS_MESSAGE = "status_message"
"""string `[B]`: the reason in words; empty for status 0."""
PANOPTIC_PNG = "panoptic_png_bytes"
"""string `[B]`: the panoptic map as PNG, id = R + 256 G + 65536 B as COCO writes it; 0 for void.
Empty without an answer. REST writes outputs that end in `_bytes` as base64."""
PANOPTIC_MAP = "panoptic_map"
"""int32 `[h, w]`, segment ids, 0 for void; `[B, h, w]` from `segment_tensor`."""
IMAGE_SIZE = "image_size"
"""int32 `[2]`, (height, width) of the upright picture. In a batch `[B, 2]`."""
CONTENT_SIZE = "content_size"
"""int32 `[B, 2]` from `raw_heads`: (height, width) of the picture at the top left of the input."""
NUM_SEGMENTS = "num_segments"
"""int32 `[B]`: n, the number of segments of each picture."""
SEGMENT_IDS = "segment_ids"
"""int32 `[n]`. In a batch this field and the next five have K rows per picture: here `[B, K]`. Rows
after the last segment are 0 or empty."""
CATEGORY_IDS = "category_ids"
"""int32 `[n]`, the dataset's own category ids."""
CATEGORY_NAMES = "category_names"
"""string `[n]`, UTF-8."""
SCORES = "scores"
"""float32 `[n]`, 0..1."""
AREAS = "areas"
"""int32 `[n]`, number of pixels."""
BOXES = "boxes"
"""int32 `[n, 4]`, (y0, x0, y1, x1), half-open."""

FIELDS = {
    types.PANOPTIC_MAP: PANOPTIC_MAP,
    types.SEGMENT_IDS: SEGMENT_IDS,
    types.SEGMENT_SCORES: SCORES,
    types.SEGMENT_AREAS: AREAS,
    types.SEGMENT_BOXES: BOXES,
}
"""Field of a finished prediction -> name in the signature. `CATEGORY_IDS` has the classes."""

ROWS = (SEGMENT_IDS, CATEGORY_IDS, CATEGORY_NAMES, SCORES, AREAS, BOXES)
"""Outputs with a row for each segment."""

# ---- Assets --------------------------------------------------------------------------------------
CATEGORIES_ASSET = "categories.json"
"""File name of the class list among the SavedModel's assets."""
COLORS_ASSET = "colors.json"
PREPROCESSING_ASSET = "preprocessing.json"
PROVENANCE_ASSET = "provenance.json"
RECALIBRATION_ASSET = "recalibration.json"
"""Only of an export whose scores are recalibrated: the curves that its graph applies."""
