"""Groups pixels to a panoptic map at original picture size (Panoptic-DeepLab, section 3.3)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.ops.segments import segment_geometry
from maskconver_tf.postprocess.class_map import class_map
from maskconver_tf.postprocess.grouping.thing_centers import find_centers, nearest_centers
from maskconver_tf.setting_checks import check_numbers, check_whole_numbers


@dataclasses.dataclass(frozen=True)
class PanopticGrouping:
    """Gives each pixel of a thing to the nearest center, and joins the pixels of stuff by class.

    1. The class logits, cut to the picture's cells, are interpolated bilinearly at each pixel of
       the original picture. The largest one is the class of the pixel.
    2. The center scores are interpolated bilinearly at each input pixel. A center is the maximum of
       the window around it, with a score of at least the threshold.
    3. Each pixel with the class of a thing adds its interpolated offset to its position. It goes to
       the center that is nearest to this place. Without any center it is void.
    4. All pixels of a center get the class that most of them have; of equal ones the lowest. A
       thing with fewer than `thing_area` pixels becomes void.
    5. The pixels of a stuff class are one segment. With fewer than `stuff_area` pixels they are
       void.

    The score of a segment is the mean softmax of its class at the cells of its pixels, for things
    times the score of the center, limited to 0..1.

    Attributes:
      score_threshold: least score of a center, 0..1.
      window: side of the window around a center, in input pixels; odd.
      max_centers: the highest centers count, at most this many.
      stuff_area: least area of a stuff segment, in pixels of the original picture.
      thing_area: least area of a thing, in pixels of the original picture. The paper has none.

    Source: Panoptic-DeepLab (arXiv 1911.10194), section 3.3 and 4.1.
    """

    fields: ClassVar[tuple[str, ...]] = (
        types.SEMANTIC_LOGITS,
        types.CENTER_SCORES,
        types.CENTER_OFFSETS,
    )
    """The outputs of a model that a call takes."""

    score_threshold: float = 0.1
    window: int = 7
    max_centers: int = 200
    stuff_area: int = 4096
    thing_area: int = 0

    def __post_init__(self):
        where = "PanopticGrouping"
        check_numbers(where, 0, 1, score_threshold=self.score_threshold)
        check_whole_numbers(where, 1, 1001, window=self.window)
        check_whole_numbers(where, 1, 10_000, max_centers=self.max_centers)
        areas = {"stuff_area": self.stuff_area, "thing_area": self.thing_area}
        check_whole_numbers(where, 0, **areas)
        if self.window % 2 == 0:
            raise UserError(
                f"PanopticGrouping.window = {typed_repr(self.window)}: expected an odd number, so "
                f"that the window has a middle; write {self.window + 1}"
            )

    def max_segments(self, outputs: dict[str, tf.Tensor]) -> int:
        """Returns how many segments a picture can have at most."""
        return self.max_centers + outputs[types.SEMANTIC_LOGITS].shape[-1]

    def __call__(
        self,
        outputs: dict[str, tf.Tensor],
        content_size: tf.Tensor,
        image_size: tf.Tensor,
        is_thing: tf.Tensor,
        stride: int,
        thresholds: dict[str, tf.Tensor] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Groups the pixels of one picture.

        Args:
          outputs: `fields`, without the batch axis.
          content_size: int32 `[2]`, size of the picture inside the input, in input pixels.
          image_size: int32 `[2]`, size of the original picture.
          is_thing: bool `[C]`.
          stride: input pixels per cell of the outputs.
          thresholds: a `score_threshold` for this call in place of the attribute, a scalar or a
            scalar tensor. Its range is not checked.

        Returns:
          The same fields as `PanopticFusion`, with ids by falling score.
        """
        rows, columns = tf.unstack(-(-content_size // stride))
        logits, scores, offsets = (outputs[name][:rows, :columns] for name in self.fields)
        centers, center_scores = self._centers(
            scores, stride, (thresholds or {}).get("score_threshold", self.score_threshold)
        )
        classes = class_map(logits, content_size, image_size, stride)
        instances = _instances(classes, offsets, centers, content_size, is_thing)
        thing_classes = _majority(instances, classes, tf.size(center_scores), is_thing)
        # Numbers from 1: first the centers, then the classes of stuff. 0 is void.
        num_centers, num_classes = tf.size(center_scores), tf.size(is_thing)
        of_class = tf.where(is_thing, 0, num_centers + 1 + tf.range(num_classes))
        numbers = tf.where(instances > 0, instances, tf.gather(of_class, classes))
        class_ids = tf.concat([thing_classes, tf.range(num_classes)], axis=0)
        least = tf.concat(
            [tf.fill([num_centers], self.thing_area), tf.fill([num_classes], self.stuff_area)], 0
        )
        certainty = _mean_softmax(logits, numbers, class_ids)
        objectness = tf.clip_by_value(center_scores, 0.0, 1.0)
        scores = certainty * tf.concat([objectness, tf.ones([num_classes])], axis=0)
        return _describe(numbers, class_ids, scores, tf.maximum(least, 1))

    def _centers(
        self, scores: tf.Tensor, stride: int, threshold: float | tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns centers (y, x) in input pixels, float32 `[n, 2]`, and scores `[n]`."""
        resized = tf.image.resize(scores, tf.shape(scores)[:2] * stride)[..., 0]
        cells, found = find_centers(resized, self.window, threshold, self.max_centers)
        return tf.cast(cells, tf.float32) + 0.5, found


def _instances(
    classes: tf.Tensor,
    offsets: tf.Tensor,
    centers: tf.Tensor,
    content_size: tf.Tensor,
    is_thing: tf.Tensor,
) -> tf.Tensor:
    """Returns the number of each pixel's center, from 1; 0 for stuff and void; int32 `[h, w]`."""
    size = tf.shape(classes)
    pixels = tf.cast(tf.where(tf.gather(is_thing, classes)), tf.int32)  # [p, 2]

    def grouped() -> tf.Tensor:
        ratio = tf.cast(content_size, tf.float32) / tf.cast(size, tf.float32)
        positions = (tf.cast(pixels, tf.float32) + 0.5) * ratio
        moved = positions + tf.gather_nd(tf.image.resize(offsets, size), pixels)
        return tf.scatter_nd(pixels, nearest_centers(moved, centers) + 1, size)

    is_needed = (tf.shape(centers)[0] > 0) & (tf.shape(pixels)[0] > 0)
    return tf.cond(is_needed, grouped, lambda: tf.zeros(size, tf.int32))


def _majority(
    instances: tf.Tensor, classes: tf.Tensor, num_instances: tf.Tensor, is_thing: tf.Tensor
) -> tf.Tensor:
    """Returns the class that most pixels of each instance have; int32 `[num_instances]`."""
    num_classes = tf.size(is_thing)
    size = (num_instances + 1) * num_classes
    votes = tf.reshape(instances * num_classes + classes, [-1])
    counts = tf.math.bincount(votes, minlength=size, maxlength=size)
    counts = tf.reshape(counts, [num_instances + 1, num_classes])[1:]
    return tf.argmax(counts, axis=1, output_type=tf.int32)


def _mean_softmax(logits: tf.Tensor, numbers: tf.Tensor, class_ids: tf.Tensor) -> tf.Tensor:
    """Returns the mean softmax of each segment's class over its pixels, at their nearest cells.

    Args:
      logits: float32 `[h, w, C]`.
      numbers: int32 `[*image_size]`, the segment of each pixel from 1, 0 for void.
      class_ids: int32 `[n]`, of each segment.

    Returns:
      float32 `[n]`, 0 for a segment without pixels.
    """
    grid, size = tf.shape(logits)[:2], tf.shape(numbers)
    rows, columns = (tf.range(size[axis]) * grid[axis] // size[axis] for axis in (0, 1))
    cells = rows[:, tf.newaxis] * grid[1] + columns[tf.newaxis, :]
    classes = tf.gather(tf.concat([[0], class_ids], axis=0), numbers)
    places = cells * tf.shape(logits)[2] + classes
    values = tf.gather(tf.reshape(tf.nn.softmax(logits), [-1]), tf.reshape(places, [-1]))
    values = tf.cast(values, tf.float64)  # A large picture has too many pixels for float32 sums.
    segments = tf.reshape(numbers, [-1]) - 1
    sums = tf.math.unsorted_segment_sum(values, segments, tf.size(class_ids))
    areas = tf.math.unsorted_segment_sum(tf.ones_like(values), segments, tf.size(class_ids))
    return tf.clip_by_value(tf.cast(tf.math.divide_no_nan(sums, areas), tf.float32), 0.0, 1.0)


def _describe(
    numbers: tf.Tensor, class_ids: tf.Tensor, scores: tf.Tensor, least_areas: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Drops small segments, numbers the others by score, and measures them."""
    geometry = segment_geometry(numbers, tf.size(class_ids))
    kept = tf.cast(tf.where(geometry["areas"] >= least_areas)[:, 0], tf.int32)
    order = tf.argsort(tf.gather(scores, kept), direction="DESCENDING", stable=True)
    kept = tf.gather(kept, order)
    ids = tf.range(1, tf.size(kept) + 1)
    table = tf.scatter_nd(kept[:, tf.newaxis] + 1, ids, [tf.size(class_ids) + 1])
    return {
        types.PANOPTIC_MAP: tf.gather(table, numbers),
        types.SEGMENT_IDS: ids,
        types.SEGMENT_CLASS_IDS: tf.gather(class_ids, kept),
        types.SEGMENT_SCORES: tf.gather(scores, kept),
        types.SEGMENT_AREAS: tf.gather(geometry["areas"], kept),
        types.SEGMENT_BOXES: tf.gather(geometry["boxes"], kept),
    }
