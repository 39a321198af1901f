"""Fuses literal masks and checks that map and rows of the result agree."""

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

# Classes 0 and 1 are things, 2 and 3 stuff.
IS_THING = tf.constant([True, True, False, False])
STRIDE = 4
OFF = -200.0  # Its sigmoid is 0 in float32: a pixel no proposal wants.


def fuse(
    masks,
    scores,
    class_ids,
    image_size=None,
    content_size=None,
    order=None,
    centers=None,
    thresholds=None,
    **settings,
):
    """Fuses proposals with literal mask logits `[n, h, w]`; by default the grid is the picture."""
    masks = np.asarray(masks, np.float32)
    count, height, width = masks.shape
    order = np.arange(count) if order is None else order
    loose = {"score_threshold": 0.0, "overlap_threshold": 0.0, "min_area": 0}
    placed = {} if centers is None else {types.PROPOSAL_CENTERS: tf.constant(centers, tf.float32)}
    found = PanopticFusion(**loose | settings)(
        placed
        | {
            types.PROPOSAL_SCORES: tf.constant(np.float32(scores)[order]),
            types.PROPOSAL_CLASS_IDS: tf.constant(np.int32(class_ids)[order]),
            # Feature k is the logit of mask k; embedding k picks it.
            types.MASK_EMBEDDINGS: tf.constant(np.eye(count, dtype=np.float32)[order]),
            types.MASK_FEATURES: tf.constant(np.moveaxis(masks, 0, -1)),
        },
        tf.constant(content_size or (height * STRIDE, width * STRIDE)),
        tf.constant(image_size or (height, width)),
        IS_THING,
        STRIDE,
        thresholds,
    )
    found = {name: value.numpy() for name, value in found.items()}
    assert_consistent(found)
    return found


def assert_consistent(found):
    """Each pixel is in one listed segment or void, and the rows agree with the map."""
    panoptic_map, ids = found[types.PANOPTIC_MAP], found[types.SEGMENT_IDS]
    assert ids.tolist() == list(range(1, len(ids) + 1))
    assert set(panoptic_map.ravel()) - {types.VOID_SEGMENT_ID} == set(ids)
    for number, area, box in zip(ids, found[types.SEGMENT_AREAS], found[types.SEGMENT_BOXES]):
        rows, columns = np.nonzero(panoptic_map == number)
        assert area == len(rows)
        assert tuple(box) == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    dtypes = {name: value.dtype for name, value in found.items()}
    assert dtypes == {
        types.PANOPTIC_MAP: np.int32,
        types.SEGMENT_IDS: np.int32,
        types.SEGMENT_CLASS_IDS: np.int32,
        types.SEGMENT_SCORES: np.float32,
        types.SEGMENT_AREAS: np.int32,
        types.SEGMENT_BOXES: np.int32,
    }


def box_logits(*boxes, size=(4, 4), logit=6.0):
    """Logits of boxes (y0, x0, y1, x1): `logit` inside them, `OFF` elsewhere."""
    logits = np.full(size, OFF)
    for y0, x0, y1, x1 in boxes:
        logits[y0:y1, x0:x1] = logit
    return logits
