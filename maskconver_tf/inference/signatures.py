"""The inputs and outputs of an exported model, by name."""

from __future__ import annotations

from maskconver_tf import types

ENCODED_IMAGES = "encoded_images"
"""`serving_default` input: string `[B]`, JPEG or PNG files."""
IMAGE = "image"
"""`segment_image` input: uint8 `[h, w, 3]`, RGB, any size."""

SERVING_DEFAULT = "serving_default"
SEGMENT_IMAGE = "segment_image"

PANOPTIC_MAP = "panoptic_map"
"""int32 `[h, w]`, segment ids, 0 for void. In a batch `[B, max h, max w]`, 0 outside a picture."""
IMAGE_SIZE = "image_size"
"""int32 `[2]`, (height, width) of the picture. In a batch `[B, 2]`."""
SEGMENT_IDS = "segment_ids"
"""int32 `[n]`. In a batch this field and the next four have K rows per picture, 0 after the last
segment: here `[B, K]`."""
CATEGORY_IDS = "category_ids"
"""int32 `[n]`, the dataset's own category ids."""
SCORES = "scores"
"""float32 `[n]`, 0..1."""
AREAS = "areas"
"""int32 `[n]`, number of pixels."""
BOXES = "boxes"
"""int32 `[n, 4]`, (y0, x0, y1, x1), half-open."""

CATEGORIES_ASSET = "categories.json"
"""File name of the class list among the SavedModel's assets."""

FIELDS = {
    types.PANOPTIC_MAP: PANOPTIC_MAP,
    types.SEGMENT_IDS: SEGMENT_IDS,
    types.SEGMENT_SCORES: SCORES,
    types.SEGMENT_AREAS: AREAS,
    types.SEGMENT_BOXES: BOXES,
}
"""Field of a finished prediction -> name in the signature. `CATEGORY_IDS` has the classes."""
