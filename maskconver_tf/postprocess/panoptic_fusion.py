"""Fuses proposals to a panoptic map at original picture size (MaskConver paper, section 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.postprocess.borders.logit_patches import LogitGrid, logit_grid
from maskconver_tf.postprocess.borders.mask_areas import wins_its_mask
from maskconver_tf.postprocess.borders.pixel_owners import PixelOwners, pixel_owners
from maskconver_tf.postprocess.candidates import candidates
from maskconver_tf.postprocess.class_thresholds import check_class_thresholds, least_scores
from maskconver_tf.postprocess.segment_numbers import assign_segment_ids
from maskconver_tf.setting_checks import (
    check_flags,
    check_numbers,
    check_whole_numbers,
    given,
)

THRESHOLDS = (
    "score_threshold",
    "stuff_score_threshold",
    "class_score_thresholds",
    "overlap_threshold",
    "stuff_overlap_threshold",
    "min_area",
)
"""Attributes of `PanopticFusion` that a call may replace."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """The thresholds of one call.

    Attributes:
      things: float32 scalar, least score of a thing.
      stuff: float32 scalar, least score of stuff.
      classes: least scores of single classes, see `least_scores`.
      thing_share: float32 scalar, least share of its mask that a thing must win.
      stuff_share: float32 scalar, the same for stuff.
      min_area: int32 scalar, least area in pixels, at least 1.
    """

    things: tf.Tensor
    stuff: tf.Tensor
    classes: tuple[float | None, ...] | tf.Tensor
    thing_share: tf.Tensor
    stuff_share: tf.Tensor
    min_area: tf.Tensor

    def scores(self, is_thing: tf.Tensor) -> tf.Tensor:
        """The least score of each class; float32 `[C]`, for bool `[C]`."""
        return least_scores(tf.where(is_thing, self.things, self.stuff), self.classes)

    def shares(self, is_thing: tf.Tensor) -> tf.Tensor:
        """The least share that each proposal must win; float32 `[n]`, for bool `[n]`."""
        return tf.where(is_thing, self.thing_share, self.stuff_share)


@dataclasses.dataclass(frozen=True)
class PanopticFusion:
    """Gives each pixel to the proposal with the largest score x sigmoid(logit), then cleans up.

    1. A proposal takes part if its score is at least the threshold and its center cell touches the
       picture. Proposals are ordered by score.
    2. The mask logits, cut to the picture's cells, are interpolated bilinearly at each pixel. The
       pixel goes to the proposal with the largest product in float32. Of equal products the first
       proposal wins. A pixel where all products are 0 is void.
    3. A proposal that took part is dropped with all pixels that it won if it won fewer than
       `min_area` pixels, if it won less than `overlap_threshold` of its mask above 0.5, or if its
       mask has no pixel above 0.5 (as published). The pixels become void.
    4. Stuff segments of one class become one segment.

    The result is exact, but only pixels at borders are looked at (`docs/decisions/`,
    "fusion-by-border").

    Attributes:
      score_threshold: least score of a proposal, 0..1. Large: 0.2, mobile: 0.01.
      overlap_threshold: least share of a mask that must be won, 0..1. Large: 0.75, mobile: 0.7.
      min_area: least area in pixels of the original picture. Large: 16, mobile: 256.
      stuff_score_threshold: least score of a proposal of a stuff class, 0..1. By default
        `score_threshold` holds for stuff, too.
      class_score_thresholds: least score of the proposals of each class in the order of the class
        list, 0..1, or None for a class with the threshold of its group. By default no class has
        its own.
      stuff_overlap_threshold: the same as `overlap_threshold` for stuff, 0..1. By default
        `overlap_threshold` holds for stuff, too.
      mask_quality: multiply each score by the mean sigmoid of its mask: the mean over the picture's
        mask cells with a sigmoid above 0.5, or 0 without such a cell. Thresholds, the product in
        step 2, the order and the scores of segments use the new score.
      runner_up: repeat step 2 once among the proposals that step 3 keeps, in place of leaving void
        the pixels of the others. Nothing is dropped after that. A kept proposal keeps all its
        pixels.
    """

    fields: ClassVar[tuple[str, ...]] = (
        types.PROPOSAL_SCORES,
        types.PROPOSAL_CLASS_IDS,
        types.PROPOSAL_CENTERS,
        types.MASK_EMBEDDINGS,
        types.MASK_FEATURES,
    )
    """The outputs of a model that a call takes."""

    score_threshold: float = 0.2
    overlap_threshold: float = 0.75
    min_area: int = 16
    stuff_score_threshold: float | None = None
    mask_quality: bool = False
    runner_up: bool = False
    class_score_thresholds: tuple[float | None, ...] = ()
    stuff_overlap_threshold: float | None = None

    def __post_init__(self):
        shares = {"score_threshold": self.score_threshold}
        shares["overlap_threshold"] = self.overlap_threshold
        shares |= given(
            stuff_score_threshold=self.stuff_score_threshold,
            stuff_overlap_threshold=self.stuff_overlap_threshold,
        )
        check_numbers("PanopticFusion", 0, 1, **shares)
        check_whole_numbers("PanopticFusion", 0, min_area=self.min_area)
        check_flags("PanopticFusion", mask_quality=self.mask_quality, runner_up=self.runner_up)
        check_class_thresholds("PanopticFusion", self.class_score_thresholds)
        # Gin also makes lists, which have no hash.
        object.__setattr__(self, "class_score_thresholds", tuple(self.class_score_thresholds))

    def max_segments(self, proposals: dict[str, tf.Tensor]) -> int:
        """Returns how many segments a picture can have at most."""
        return proposals[types.PROPOSAL_SCORES].shape[-1]

    def __call__(
        self,
        proposals: dict[str, tf.Tensor],
        content_size: tf.Tensor,
        image_size: tf.Tensor,
        is_thing: tf.Tensor,
        mask_stride: int,
        thresholds: dict[str, tf.Tensor] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Fuses the proposals of one picture.

        Args:
          proposals: `PROPOSAL_SCORES` `[K]`, `PROPOSAL_CLASS_IDS` `[K]`,
            `MASK_EMBEDDINGS` `[K, D]`, `MASK_FEATURES` `[h, w, D]`, and `PROPOSAL_CENTERS`
            `[K, 2]`. Without centers all proposals count as inside the picture.
          content_size: int32 `[2]`, size of the picture inside the input, in input pixels.
          image_size: int32 `[2]`, size of the original picture.
          is_thing: bool `[C]`.
          mask_stride: input pixels per cell of the mask grid.
          thresholds: values for this call in place of some of the attributes `THRESHOLDS`, scalars
            or scalar tensors. Their ranges are not checked: a score threshold above 1 or an area
            above that of the picture leaves no segment. A new `score_threshold` holds for stuff
            and for each class, too, unless the attributes `stuff_score_threshold` and
            `class_score_thresholds`, or values here, say otherwise; so does a new
            `overlap_threshold` for stuff. The class thresholds of a call may be a tensor, float32
            `[C]`, with -1 for a class without its own.

        Returns:
          `PANOPTIC_MAP` `[*image_size]`, and for its n segments `SEGMENT_IDS`, `SEGMENT_CLASS_IDS`,
          `SEGMENT_SCORES`, `SEGMENT_AREAS` and `SEGMENT_BOXES`. The ids are 1..n, the highest score
          first.

        Raises:
          UserError: `thresholds` has another name.
        """
        limits = self.limits(thresholds)
        rows, columns = tf.unstack(-(-content_size // mask_stride))
        features = proposals[types.MASK_FEATURES][:rows, :columns]
        kept, scores, logits = candidates(
            proposals, features, content_size, limits.scores(is_thing), self.mask_quality
        )
        class_ids = tf.gather(proposals[types.PROPOSAL_CLASS_IDS], kept)
        grid = logit_grid(logits, image_size)
        owners = pixel_owners(grid, scores)
        shares = limits.shares(tf.gather(is_thing, class_ids))
        alive = _survivors(grid, owners.extents.areas, limits.min_area, shares)  # [n]
        numbers = assign_segment_ids(alive, class_ids, is_thing)
        if self.runner_up:
            survivors = tf.cast(tf.where(alive)[:, 0], tf.int32)
            numbers, class_ids, scores = (
                tf.gather(x, survivors) for x in (numbers, class_ids, scores)
            )
            owners = pixel_owners(grid.part(survivors), scores)
        return _describe(owners, numbers, class_ids, scores)

    def limits(self, thresholds: dict[str, tf.Tensor] | None = None) -> Limits:
        """The thresholds of a call, see `__call__`."""
        given_here = thresholds or {}
        if unknown := sorted(set(given_here) - set(THRESHOLDS)):
            raise UserError(
                f"thresholds of PanopticFusion: found {', '.join(unknown)}; "
                f"expected some of {', '.join(THRESHOLDS)}"
            )
        values = {name: getattr(self, name) for name in THRESHOLDS} | given_here
        scores, shares = (
            [tf.cast(value, tf.float32) for value in of_groups(values, name)]
            for name in ("score_threshold", "overlap_threshold")
        )
        least_area = tf.maximum(tf.cast(values["min_area"], tf.int32), 1)
        return Limits(*scores, values["class_score_thresholds"], *shares, least_area)


def of_groups(values: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    """Returns a threshold for things and for stuff; without its own, stuff has that of things.

    Args:
      values: name -> value of the attributes `THRESHOLDS`.
      name: "score_threshold" or "overlap_threshold".
    """
    stuff = values[f"stuff_{name}"]
    return values[name], values[name] if stuff is None else stuff


def _survivors(
    grid: LogitGrid, areas: tf.Tensor, min_area: tf.Tensor, shares: tf.Tensor
) -> tf.Tensor:
    """Which proposals step 3 keeps; bool `[n]`.

    Args:
      grid: the mask logits.
      areas: int32 `[n]`, pixels that they won.
      min_area: int32 scalar, pixels that they need.
      shares: float32 `[n]`, share of their mask that they need.
    """
    large = areas >= min_area
    tested = tf.cast(tf.where(large)[:, 0], tf.int32)
    of_tested = (tf.gather(x, tested) for x in (areas, shares))
    kept = wins_its_mask(grid.part(tested), *of_tested)
    return tf.scatter_nd(tested[:, tf.newaxis], kept, [tf.size(areas)])


def _describe(
    owners: PixelOwners, numbers: tf.Tensor, class_ids: tf.Tensor, scores: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Returns the finished map, and a row of each field for each segment."""
    num_segments = tf.reduce_max(tf.concat([[0], numbers], axis=0))
    extents = owners.extents.merged(numbers - 1, num_segments)
    # Proposals are sorted by score, so the first one of a segment has its highest score.
    position = tf.range(tf.size(numbers))
    first = tf.math.unsorted_segment_min(position, numbers - 1, num_segments)
    return {
        types.PANOPTIC_MAP: owners.paint(numbers),
        types.SEGMENT_IDS: tf.range(1, num_segments + 1),
        types.SEGMENT_CLASS_IDS: tf.gather(class_ids, first),
        types.SEGMENT_SCORES: tf.gather(scores, first),
        types.SEGMENT_AREAS: extents.areas,
        types.SEGMENT_BOXES: extents.boxes(),
    }
