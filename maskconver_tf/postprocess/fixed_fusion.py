"""The fusion with fixed shapes, which XLA compiles: for evaluation on accelerators."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.ops.masks import mask_logits
from maskconver_tf.postprocess.borders.logit_patches import exact_sigmoid
from maskconver_tf.postprocess.candidates import inside_content
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.postprocess.segment_numbers import assign_segment_ids


@dataclasses.dataclass(frozen=True)
class FixedFusion:
    """`PanopticFusion` by its plain definition, on a canvas of one size for all pictures.

    Computes every product of every pixel, one proposal after the other, so memory does not grow
    with their number. Without XLA the result equals that of `PanopticFusion`. XLA rounds products
    in another way, so nearly equal products may give a pixel to the other proposal. With
    `mask_quality` the mean of a mask may differ in the last digit.

    Attributes:
      fusion: the settings.
      canvas: (height, width) of the map, at least as large as every picture.
    """

    fusion: PanopticFusion
    canvas: tuple[int, int]

    def __call__(
        self,
        proposals: dict[str, tf.Tensor],
        content_size: tf.Tensor,
        image_size: tf.Tensor,
        is_thing: tf.Tensor,
        mask_stride: int,
    ) -> dict[str, tf.Tensor]:
        """Fuses the K proposals of one picture; see `PanopticFusion.__call__` for the arguments.

        Returns:
          `PANOPTIC_MAP` `[*canvas]`, void outside the picture, and K rows of `SEGMENT_IDS`,
          `SEGMENT_CLASS_IDS`, `SEGMENT_SCORES`, `SEGMENT_AREAS` and `SEGMENT_BOXES`. Rows without a
          segment come last and have the id 0, the class `PAD_ID` and zeros.
        """
        limits = self.fusion.limits()
        cells = -(-content_size // mask_stride)
        class_ids = proposals[types.PROPOSAL_CLASS_IDS]
        least = tf.gather(limits.scores(is_thing), tf.maximum(class_ids, 0))
        scores = proposals[types.PROPOSAL_SCORES]
        taken = (scores >= least) & inside_content(proposals, content_size)
        logits = mask_logits(
            proposals[types.MASK_FEATURES][tf.newaxis], proposals[types.MASK_EMBEDDINGS][tf.newaxis]
        )[0]
        if self.fusion.mask_quality:
            scores *= _mask_qualities(logits, cells)
            taken &= scores >= least
        order = tf.argsort(tf.where(taken, scores, -1.0), direction="DESCENDING", stable=True)
        class_ids, scores, taken = (tf.gather(x, order) for x in (class_ids, scores, taken))
        class_ids = tf.maximum(class_ids, 0)
        masks = tf.gather(tf.transpose(logits, [2, 0, 1]), order)  # [K, h, w]
        # A score of 0 wins no pixel.
        scores = tf.where(taken, scores, 0.0)
        winners, mask_areas = self._winners(masks, scores, cells, image_size)
        areas = _areas(winners, tf.size(scores))
        shares = limits.shares(tf.gather(is_thing, class_ids))
        required = tf.cast(mask_areas, tf.float32) * shares
        alive = (areas >= limits.min_area) & (mask_areas > 0) & taken
        alive &= tf.cast(areas, tf.float32) >= required
        if self.fusion.runner_up:
            kept = tf.where(alive, scores, 0.0)
            winners, _ = self._winners(masks, kept, cells, image_size)
        numbers = assign_segment_ids(alive, class_ids, is_thing)
        panoptic_map = tf.gather(tf.concat([[0], numbers], axis=0), winners + 1)
        return _rows(panoptic_map, numbers, class_ids, scores)

    def _winners(
        self, masks: tf.Tensor, scores: tf.Tensor, cells: tf.Tensor, image_size: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The winner of each pixel, int32 `[*canvas]`, -1 for none; mask areas, int32 `[K]`."""
        y, x = (_positions(self.canvas[i], cells[i], image_size[i]) for i in range(2))
        inside = y["inside"][:, tf.newaxis] & x["inside"]

        def compete(number, best, winners, areas):
            logits = _interpolated(masks[number], y, x)
            products = tf.where(inside, scores[number] * exact_sigmoid(logits), 0.0)
            area = tf.math.count_nonzero(inside & (logits > 0.0), dtype=tf.int32)
            areas = tf.tensor_scatter_nd_update(areas, [[number]], [area])
            winners = tf.where(products > best, number, winners)
            return number + 1, tf.maximum(best, products), winners, areas

        count = masks.shape[0]
        empty = tf.zeros(self.canvas), tf.fill(self.canvas, -1), tf.zeros([count], tf.int32)
        _, _, winners, areas = tf.while_loop(
            lambda number, *_: number < count, compete, (0, *empty), maximum_iterations=count
        )
        return winners, areas


def _positions(canvas: int, cells: tf.Tensor, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
    """Where the pixels of an axis lie between cells, as `tf.image.resize` places them.

    Returns:
      `first` and `second` int32 `[canvas]`, the two cells; `weight` float32 `[canvas]`, the share
      of the second; `inside` bool `[canvas]`, whether the picture has this pixel.
    """
    scale = tf.cast(cells, tf.float32) / tf.cast(pixels, tf.float32)
    positions = (tf.range(canvas, dtype=tf.float32) + 0.5) * scale - 0.5
    below = tf.floor(positions)
    first = tf.cast(below, tf.int32)
    return {
        "first": tf.clip_by_value(first, 0, cells - 1),
        "second": tf.clip_by_value(first + 1, 0, cells - 1),
        "weight": positions - below,
        "inside": tf.range(canvas) < pixels,
    }


def _interpolated(mask: tf.Tensor, y: dict[str, tf.Tensor], x: dict[str, tf.Tensor]) -> tf.Tensor:
    """Logits of a mask `[h, w]` at all pixels of the canvas."""
    left, right = tf.gather(mask, x["first"], axis=1), tf.gather(mask, x["second"], axis=1)
    across = left + (right - left) * x["weight"]
    top, bottom = tf.gather(across, y["first"]), tf.gather(across, y["second"])
    return top + (bottom - top) * y["weight"][:, tf.newaxis]


def _mask_qualities(logits: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
    """`candidates.mask_qualities` of the first rows and columns of logits `[h, w, K]`."""
    height, width = logits.shape[:2]
    content = (tf.range(height) < cells[0])[:, tf.newaxis] & (tf.range(width) < cells[1])
    inside = (logits > 0.0) & content[..., tf.newaxis]
    total = tf.reduce_sum(tf.where(inside, tf.sigmoid(logits), 0.0), axis=[0, 1])
    return tf.math.divide_no_nan(total, tf.reduce_sum(tf.cast(inside, tf.float32), axis=[0, 1]))


def _areas(winners: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """int32 `[count]`, pixels of each winner."""
    flat = tf.reshape(winners, [-1])
    return tf.math.unsorted_segment_sum(tf.ones_like(flat), flat, count)


def _boxes(winners: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """int32 `[count, 4]`, (y0, x0, y1, x1), half-open, of each winner with a pixel."""
    owners = tf.reshape(winners, [-1])
    ends = []
    for axis in range(2):
        steps = tf.range(winners.shape[axis])
        places = tf.reshape(steps, [-1, 1] if axis == 0 else [1, -1])
        places = tf.reshape(tf.broadcast_to(places, winners.shape), [-1])
        ends.append(tf.math.unsorted_segment_min(places, owners, count))
        ends.append(tf.math.unsorted_segment_max(places, owners, count) + 1)
    y0, y1, x0, x1 = ends
    return tf.stack([y0, x0, y1, x1], axis=1)


def _rows(
    panoptic_map: tf.Tensor, numbers: tf.Tensor, class_ids: tf.Tensor, scores: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The map, and K rows of each field."""
    count = numbers.shape[0]
    ids = tf.range(1, count + 1)
    used = ids <= tf.reduce_max(tf.concat([[0], numbers], axis=0))
    first = tf.math.unsorted_segment_min(tf.range(count), numbers - 1, count)
    first = tf.where(used, first, 0)
    areas = _areas(panoptic_map - 1, count)
    return {
        types.PANOPTIC_MAP: panoptic_map,
        types.SEGMENT_IDS: tf.where(used, ids, 0),
        types.SEGMENT_CLASS_IDS: tf.where(used, tf.gather(class_ids, first), types.PAD_ID),
        types.SEGMENT_SCORES: tf.where(used, tf.gather(scores, first), 0.0),
        types.SEGMENT_AREAS: areas,
        types.SEGMENT_BOXES: tf.where(used[:, tf.newaxis], _boxes(panoptic_map - 1, count), 0),
    }
