"""The loss of Panoptic-DeepLab (arXiv 1911.10194, section 3.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.cross_entropy import smoothed_cross_entropy
from maskconver_tf.losses.hard_pixels import mean_of_largest
from maskconver_tf.losses.mask_losses import pixels_by_cell, values_by_cell
from maskconver_tf.losses.negative_cells import valid_cells
from maskconver_tf.ops.gaussian import draw_round_gaussians
from maskconver_tf.ops.slot_geometry import slot_areas_and_centers
from maskconver_tf.setting_checks import check_numbers, check_whole_numbers


class _Things(NamedTuple):
    """The slots of a batch, and which of them are things.

    Attributes:
      slot_map: int32 `[B, H, W]`.
      class_ids: int32 `[B, K]`.
      is_thing: bool `[B, K]`, False in an empty slot.
      areas: float32 `[B, K]`, input pixels.
      centers: float32 `[B, K, 2]`, (y, x) in input pixels.
      stride: input pixels per cell of the slot map.
    """

    slot_map: tf.Tensor
    class_ids: tf.Tensor
    is_thing: tf.Tensor
    areas: tf.Tensor
    centers: tf.Tensor
    stride: int

    def of_pixels(self, values: tf.Tensor, void: float) -> tf.Tensor:
        """Returns the value `[B, K, ...]` of each pixel's slot, or `void`; `[B, H, W, ...]`."""
        first = tf.fill(tf.shape(values[:, :1]), tf.cast(void, values.dtype))
        return tf.gather(tf.concat([first, values], axis=1), self.slot_map, batch_dims=1)


@dataclasses.dataclass(frozen=True)
class PanopticDeepLabLoss:
    """semantic_weight x hard-pixel cross-entropy + center_weight x MSE + offset_weight x L1.

    - Semantic: cross-entropy of each labelled pixel with the logits of its cell. Pixels of small
      things count more. The loss of a picture is the mean over its hardest pixels.
    - Center: squared error of the score of each cell. The target is a Gaussian around each thing,
      and the maximum where Gaussians overlap. Mean over the cells with a labelled pixel.
    - Offset: |dy| + |dx| in input pixels between the bilinearly interpolated offset of a pixel and
      the way to the center of its thing. Mean over the pixels of things.

    The loss is the mean over the pictures of the global batch, so the losses and gradients of all
    replicas add up to those of one replica with the whole batch. The paper ranks the pixels of a
    whole batch, which no replica has.

    The centers are the mean positions of the pixels in the slot map. Void and padding have no loss.
    They count only in the number of a picture's pixels, which `hard_share` is a share of.

    Attributes:
      semantic_weight: weight of the semantic loss.
      center_weight: weight of the center loss.
      offset_weight: weight of the offset loss.
      hard_share: share of the pixels of a picture that count in the semantic loss, 0..1.
      small_weight: weight of the pixels of small things in the semantic loss.
      small_area: things with fewer input pixels are small.
      center_sigma: standard deviation of the Gaussians in input pixels.

    Source: Panoptic-DeepLab, section 3.2 and 4.1.
    """

    fields: ClassVar[tuple[str, ...]] = (
        types.SEMANTIC_LOGITS,
        types.CENTER_SCORES,
        types.CENTER_OFFSETS,
    )
    """The outputs of a model that a call takes."""
    takes_things: ClassVar[bool] = True
    """Whether the task must add `SLOT_IS_THING` to the labels."""

    semantic_weight: float = 1.0
    center_weight: float = 200.0
    offset_weight: float = 0.01
    hard_share: float = 0.15
    small_weight: float = 3.0
    small_area: int = 4096
    center_sigma: float = 8.0

    def __post_init__(self):
        where = type(self).__name__
        weights = ("semantic_weight", "center_weight", "offset_weight", "small_weight")
        check_numbers(where, 0, **{name: getattr(self, name) for name in weights})
        check_numbers(where, 0, 1, hard_share=self.hard_share)
        check_numbers(where, 0.01, center_sigma=self.center_sigma)
        check_whole_numbers(where, 0, small_area=self.small_area)

    @staticmethod
    def names(levels: Iterable[int]) -> tuple[str, ...]:
        """Lists the losses by name, whatever the center levels; "loss" comes first."""
        return ("loss", "semantic_loss", "center_loss", "offset_loss")

    def __call__(
        self,
        outputs: dict[str, tf.Tensor],
        labels: dict[str, tf.Tensor],
        sum_over_replicas: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    ) -> dict[str, tf.Tensor]:
        """Computes this replica's share of the global loss.

        Args:
          outputs: of `PanopticDeepLab`.
          labels: a batch of examples with `IMAGE`, `SLOT_MAP`, `SLOT_CLASS_IDS` and
            `SLOT_IS_THING`.
          sum_over_replicas: sums a scalar over replicas.

        Returns:
          Scalars by the names of `names`; all but "loss" are without weights.
        """
        things = _things_of(labels)
        pictures = sum_over_replicas(self.normalizer(labels))
        parts = {
            "semantic_loss": self._semantic(outputs[types.SEMANTIC_LOGITS], things),
            "center_loss": self._center(outputs[types.CENTER_SCORES], things, labels),
            "offset_loss": _offset_loss(outputs[types.CENTER_OFFSETS], things),
        }
        parts = {name: tf.reduce_sum(value) / pictures for name, value in parts.items()}
        weights = (self.semantic_weight, self.center_weight, self.offset_weight)
        return {"loss": tf.add_n([w * x for w, x in zip(weights, parts.values())])} | parts

    def normalizer(self, labels: dict[str, tf.Tensor]) -> tf.Tensor:
        """Counts the pictures of a batch, float32 scalar."""
        return tf.cast(tf.shape(labels[types.SLOT_CLASS_IDS])[0], tf.float32)

    def _semantic(self, logits: tf.Tensor, things: _Things) -> tf.Tensor:
        """Semantic loss of each picture `[B]`."""
        _, height, width, num_classes = logits.shape
        is_small = things.is_thing & (things.areas < self.small_area)
        weights = things.of_pixels(tf.where(is_small, self.small_weight, 1.0), 0.0)
        class_ids = things.of_pixels(things.class_ids, types.NO_CLASS)
        losses = smoothed_cross_entropy(
            tf.reshape(logits, [-1, height * width, num_classes]),
            pixels_by_cell(class_ids, height, width),
        )
        losses *= values_by_cell(weights, height, width)
        return mean_of_largest(
            tf.reshape(losses, [-1, losses.shape[1] * losses.shape[2]]), self.hard_share
        )

    def _center(
        self, scores: tf.Tensor, things: _Things, labels: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """Center loss of each picture `[B]`."""
        height, width = scores.shape[1:3]
        stride = things.stride * things.slot_map.shape[1] // height
        heatmap = draw_round_gaussians(
            things.centers, things.is_thing, self.center_sigma, height, width, stride
        )
        valid = valid_cells(labels[types.SLOT_MAP], height, width)
        return _mean_where(valid, tf.square(scores[..., 0] - heatmap))


def _things_of(labels: dict[str, tf.Tensor]) -> _Things:
    slot_map = tf.cast(labels[types.SLOT_MAP], tf.int32)
    class_ids = labels[types.SLOT_CLASS_IDS]
    stride = labels[types.IMAGE].shape[1] // slot_map.shape[1]
    areas, centers = slot_areas_and_centers(slot_map, class_ids.shape[1])
    is_thing = labels[types.SLOT_IS_THING] & (class_ids >= 0)
    return _Things(slot_map, class_ids, is_thing, areas * stride**2, centers * stride, stride)


def _offset_loss(offsets: tf.Tensor, things: _Things) -> tf.Tensor:
    """Offset loss of each picture `[B]`."""
    height, width = things.slot_map.shape[1:]
    predicted = tf.image.resize(offsets, [height, width], "bilinear")
    sides = [(tf.range(size, dtype=tf.float32) + 0.5) * things.stride for size in (height, width)]
    positions = tf.stack(tf.meshgrid(*sides, indexing="ij"), axis=-1)  # [H, W, 2]
    wanted = things.of_pixels(things.centers, 0.0) - positions
    error = tf.reduce_sum(tf.abs(predicted - wanted), axis=-1)
    return _mean_where(things.of_pixels(tf.cast(things.is_thing, tf.float32), 0.0), error)


def _mean_where(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Weighted mean of each picture's values `[B, h, w]`; 0 where all weights are 0; `[B]`."""
    total = tf.reduce_sum(weights * values, axis=[1, 2])
    return tf.math.divide_no_nan(total, tf.reduce_sum(weights, axis=[1, 2]))
