"""Makes compact labels from a segment map: slots, centers, levels and radii."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.ops import segment_maps
from maskconver_tf.ops.gaussian import gaussian_radius
from maskconver_tf.ops.segments import box_centers, segment_areas, segment_geometry
from maskconver_tf.setting_checks import (
    check_choices,
    check_lists,
    check_numbers,
    check_whole_numbers,
    is_number,
    is_whole_number,
)


@dataclasses.dataclass(frozen=True)
class TargetBuilder:
    """Gives each segment a slot, and its center a level, a cell and a Gaussian.

    The largest segments get slots first. These get no slot, and their pixels are ignored:

    - void pixels and crowds,
    - segments beyond the last slot,
    - the smaller of two segments of one class whose centers share a cell, because a model cannot
      tell them apart,
    - tiny segments that have no cell in the slot map, because other segments cover theirs,
    - slivers that cropping or pasting left of a segment, see `min_visible`.

    `NUM_DROPPED` counts the segments of the second, third and fourth kind.

    Attributes:
      num_slots: K, the number of slots. With up to 255 slots, a cell of the slot map is one byte.
      center_levels: pyramid levels that have centers.
      level_bounds: largest half box diagonal of each level but the last, in input pixels,
        ascending.
      label_stride: stride of the slot map; divides the mask stride.
      gaussian_iou: overlap (IoU) of a box with itself after a move by the Gaussian's radius.
      centers: "mask" puts the center at the mean of a segment's pixels, "box" in the middle of its
        box, to compare with methods that only know boxes.
      min_visible: 0..1. A segment is a sliver, and ignored, if cropping and pasting left less than
        this share of the pixels that it would have at this scale in the whole picture. 0 ignores
        none.
    """

    num_slots: int = 248
    center_levels: Sequence[int] = (3, 4, 5, 6, 7)
    level_bounds: Sequence[float] = (100, 200, 400, 800)
    label_stride: int = 2
    gaussian_iou: float = 0.7
    centers: Literal["mask", "box"] = "mask"
    min_visible: float = 0.05

    def __post_init__(self):
        check_choices("TargetBuilder", ("mask", "box"), centers=self.centers)
        check_whole_numbers("TargetBuilder", 1, tf.uint16.max, num_slots=self.num_slots)
        check_whole_numbers("TargetBuilder", 1, label_stride=self.label_stride)
        shares = {"gaussian_iou": self.gaussian_iou, "min_visible": self.min_visible}
        check_numbers("TargetBuilder", 0, 1, **shares)
        levels = {"center_levels": self.center_levels}
        check_lists("TargetBuilder", (3, 4, 5), is_whole_number, "whole numbers", **levels)
        bounds = {"level_bounds": self.level_bounds}
        check_lists("TargetBuilder", (100, 200, 400, 800), is_number, "numbers from 0", **bounds)
        if len(self.level_bounds) != len(self.center_levels) - 1:
            raise UserError(
                f"TargetBuilder.level_bounds = {tuple(self.level_bounds)}: found "
                f"{len(self.level_bounds)} bounds for the {len(self.center_levels)} center levels "
                f"{tuple(self.center_levels)}; give one for each level but the last"
            )
        if list(self.level_bounds) != sorted(self.level_bounds):
            raise UserError(
                f"TargetBuilder.level_bounds = {tuple(self.level_bounds)}: expected ascending "
                f"bounds; write {tuple(sorted(self.level_bounds))}"
            )

    def __call__(
        self,
        segment_map: tf.Tensor,
        class_ids: tf.Tensor,
        is_crowd: tf.Tensor,
        input_size: tuple[int, int] | None = None,
        whole_areas: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Makes the labels of one example.

        Args:
          segment_map: integers `[h, w]`, 0 for void, i for the i-th segment (counted from 1). It
            covers the picture, which is at the top left of the input.
          class_ids: int32 `[n]`, contiguous.
          is_crowd: bool `[n]`.
          input_size: (H, W), the size of the input, whose rest is void; None if the map has it.
          whole_areas: float32 `[n]`, the pixels of each segment without cropping and pasting, for
            `min_visible`; None if nothing was cropped or pasted.

        Returns:
          `SLOT_MAP`, `SLOT_CLASS_IDS`, `CENTER_LEVELS`, `CENTER_INDICES`, `GAUSSIAN_RADII` and
          `NUM_DROPPED` as described in `types`.
        """
        num_segments = tf.size(class_ids)
        geometry = segment_geometry(segment_map, num_segments)
        usable = ~is_crowd
        if whole_areas is not None:
            usable &= ~is_sliver(geometry["areas"], whole_areas, self.min_visible)
        present = (geometry["areas"] > 0) & usable
        reduced = segment_maps.sample_segment_map(
            segment_map, geometry["first_pixels"], self.label_stride, present, input_size
        )
        levels = assign_levels(geometry["boxes"], self.center_levels, self.level_bounds)
        is_box = self.centers == "box"
        centers = box_centers(geometry["boxes"]) if is_box else geometry["centers"]
        indices = center_cells(centers, levels, input_size or tf.shape(segment_map))
        candidates = tf.where((segment_areas(reduced, num_segments) > 0) & usable)[:, 0]
        candidates = _by_area(tf.cast(candidates, tf.int32), geometry["areas"])
        keys = tf.concat([levels[:, None], indices, class_ids[:, None]], axis=1)
        slots = _first_of_each(candidates, keys)[: self.num_slots]
        radii = self._radii(geometry["boxes"], levels)
        table = segment_maps.slot_table(slots, num_segments)
        num_present = tf.math.count_nonzero(present, dtype=tf.int32)
        return {
            types.SLOT_MAP: tf.gather(tf.cast(table, self._slot_dtype), reduced),
            types.SLOT_CLASS_IDS: self._in_slots(class_ids, slots, types.PAD_ID),
            types.CENTER_LEVELS: self._in_slots(levels, slots, types.PAD_ID),
            types.CENTER_INDICES: self._in_slots(indices, slots, 0),
            types.GAUSSIAN_RADII: self._in_slots(radii, slots, 0),
            types.NUM_DROPPED: num_present - tf.size(slots),
        }

    @property
    def _slot_dtype(self) -> tf.DType:
        return tf.uint8 if self.num_slots <= tf.uint8.max else tf.uint16

    def _radii(self, boxes: tf.Tensor, levels: tf.Tensor) -> tf.Tensor:
        strides = tf.cast(2**levels, tf.float32)[:, tf.newaxis]
        sizes = tf.cast(boxes[:, 2:] - boxes[:, :2], tf.float32) / strides
        return tf.cast(gaussian_radius(sizes, self.gaussian_iou), tf.int32)

    def _in_slots(self, values: tf.Tensor, slots: tf.Tensor, fill: int) -> tf.Tensor:
        """Puts the values of the segments in slot order, padded to K; int32 `[K, ...]`."""
        chosen = tf.cast(tf.gather(values, slots), tf.int32)
        padding = [[0, self.num_slots - tf.shape(chosen)[0]]] + [[0, 0]] * (chosen.shape.rank - 1)
        padded = tf.pad(chosen, padding, constant_values=fill)
        return tf.ensure_shape(padded, [self.num_slots, *chosen.shape[1:]])


def is_sliver(areas: tf.Tensor, whole_areas: tf.Tensor, min_visible: float) -> tf.Tensor:
    """Finds the segments with less than a share of their pixels left; bool `[n]`.

    Args:
      areas: int `[n]`, visible pixels.
      whole_areas: float32 `[n]`, pixels without cropping and pasting, at the same scale.
      min_visible: the share, 0..1.
    """
    return tf.cast(areas, tf.float32) < min_visible * whole_areas


def assign_levels(
    boxes: tf.Tensor, center_levels: Sequence[int], level_bounds: Sequence[float]
) -> tf.Tensor:
    """Chooses the pyramid level of each segment by half the diagonal of its box.

    A segment belongs to the first level whose bound is not exceeded, so it has exactly one level.

    Args:
      boxes: int `[n, 4]`, (y0, x0, y1, x1) in input pixels.
      center_levels: levels, finest first.
      level_bounds: bound of each level but the last, ascending.

    Returns:
      int32 `[n]`.
    """
    sides = tf.cast(boxes[:, 2:] - boxes[:, :2], tf.float32)
    half_diagonals = tf.norm(sides, axis=1) / 2.0
    bounds = tf.constant(list(level_bounds), tf.float32)
    exceeded = tf.reduce_sum(tf.cast(half_diagonals[:, None] > bounds, tf.int32), axis=1)
    return tf.gather(tf.constant(sorted(center_levels), tf.int32), exceeded)


def center_cells(
    centers: tf.Tensor, levels: tf.Tensor, input_size: tf.Tensor | tuple[int, int]
) -> tf.Tensor:
    """Returns the cell of each center (y, x) on its level; int32 `[n, 2]`."""
    strides = 2 ** levels[:, tf.newaxis]
    last = -(-tf.convert_to_tensor(input_size) // strides) - 1
    cells = tf.cast(tf.floor(centers / tf.cast(strides, tf.float32)), tf.int32)
    return tf.clip_by_value(cells, 0, last)


def _by_area(segments: tf.Tensor, areas: tf.Tensor) -> tf.Tensor:
    """Sorts segments by area, largest first; equal areas stay in listed order."""
    order = tf.argsort(tf.gather(areas, segments), direction="DESCENDING", stable=True)
    return tf.gather(segments, order)


def _first_of_each(segments: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Keeps the first segment of each key; `keys` has a row for each segment, int `[n, m]`."""
    _, group = tf.raw_ops.UniqueV2(x=tf.gather(keys, segments), axis=[0])
    position = tf.range(tf.size(segments))
    first = tf.math.unsorted_segment_min(position, group, tf.size(segments))
    return tf.boolean_mask(segments, tf.gather(first, group) == position)
