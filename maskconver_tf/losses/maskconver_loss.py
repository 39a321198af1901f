"""The weighted sum of all losses; docs/glossary.md explains the terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import ClassVar, Literal

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.losses.center_heatmap import FocalForm, center_heatmap_loss
from maskconver_tf.losses.mask_losses import (
    MaskTerms,
    dice_loss,
    joint_dice_loss,
    mask_terms,
    soft_iou,
)
from maskconver_tf.losses.negative_cells import IGNORED, NEGATIVE, negative_cells
from maskconver_tf.losses.semantic_branch import semantic_branch_loss
from maskconver_tf.ops.gaussian import draw_centers, draw_heatmap
from maskconver_tf.setting_checks import check_choices, check_numbers

_TERMS = ("center_heatmap_loss", "mask_bce_loss", "mask_dice_loss")
_SEMANTIC = "semantic_loss"


@dataclasses.dataclass(frozen=True)
class MaskConverLoss:
    """Center heatmap loss + mask_weight x (BCE + Dice), each a sum / (number of segments + 1).

    The number of segments is that of the global batch. Therefore the losses and gradients of all
    replicas add up to those of one replica with the whole batch, unless `dice` is "batch".

    docs/decisions/published-losses.md compares the forms of the released code with the defaults.

    Attributes:
      mask_weight: w in the paper; 10 for the large model, 5 for mobile.
      center_weight: weight of the heatmap loss.
      padding: "negative" if no center may be in the padding round a picture, "ignored" if its cells
        count nowhere in the heatmap loss. Padding never counts in the mask losses.
      void: the same for cells that have pixels of the picture, but none with a label.
      score_clip: clips heatmap scores to [score_clip, 1 - score_clip]; 1e-4 in the released code.
        A center whose score is below then has no gradient. 0 for none.
      alpha: exponent of the error in the focal loss of the heatmap.
      beta: exponent of 1 - Gaussian in it.
      positive_from: value of the Gaussian, 0..1, from which a cell is a positive; 1 for the cell of
        the center alone.
      quality: 0..1; the score that a center should get is 1 - quality x (1 - IoU of its mask), so
        that good masks score higher. 0 for a score of 1.
      dice: "per_mask" for the mean of a ratio of each mask, "batch" for one ratio over all masks of
        a replica's batch (of a part of it, with accumulation), as in the released code.
      bce_divisor: "valid" for a mean over the labelled pixels of a picture, "canvas" for a sum over
        them divided by the number of all pixels of the input, as in the released code.
      border_weight: weight in the BCE of pixels at the border of a segment, relative to others.
      semantic_weight: weight of the semantic branch's loss: the mean cross-entropy of each picture,
        times its number of segments, so that it is divided like the others. For a model with
        `MaskConver.semantic_branch`; 2 is a good value.
    """

    takes_things: ClassVar[bool] = False
    """Whether the task must add `SLOT_IS_THING` to the labels."""

    mask_weight: float = 10.0
    center_weight: float = 1.0
    padding: Literal["negative", "ignored"] = NEGATIVE
    void: Literal["negative", "ignored"] = IGNORED
    score_clip: float = 0.0
    alpha: float = 2.0
    beta: float = 4.0
    positive_from: float = 1.0
    quality: float = 0.0
    dice: Literal["per_mask", "batch"] = "per_mask"
    bce_divisor: Literal["valid", "canvas"] = "valid"
    border_weight: float = 1.0
    semantic_weight: float = 0.0

    def __post_init__(self):
        where = type(self).__name__
        cells = {"padding": self.padding, "void": self.void}
        check_choices(where, (NEGATIVE, IGNORED), **cells)
        check_choices(where, ("per_mask", "batch"), dice=self.dice)
        check_choices(where, ("valid", "canvas"), bce_divisor=self.bce_divisor)
        weights = ("mask_weight", "center_weight", "beta", "border_weight", "semantic_weight")
        check_numbers(where, 0, **{name: getattr(self, name) for name in weights})
        check_numbers(where, 1, alpha=self.alpha)
        check_numbers(where, 0, 0.49, score_clip=self.score_clip)
        check_numbers(where, 0, 1, quality=self.quality)
        check_numbers(where, 0.01, 1, positive_from=self.positive_from)
        if self.quality and self.positive_from < 1:
            raise UserError(
                f"MaskConverLoss: quality = {self.quality} and positive_from = "
                f"{self.positive_from} exclude each other, because only the cell of a center has a "
                "mask; set positive_from = 1.0 or quality = 0.0"
            )

    @property
    def fields(self) -> tuple[str, ...]:
        """The outputs of a model that a call takes."""
        semantic = (types.SEMANTIC_LOGITS,) if self.semantic_weight else ()
        return (types.CENTER_HEATMAP_LOGITS, types.MASK_LOGITS, *semantic)

    @staticmethod
    def normalizer(labels: dict[str, tf.Tensor]) -> tf.Tensor:
        """Counts the segments of a batch, float32 scalar."""
        return num_segments(labels)

    def names(self, levels: Iterable[int]) -> tuple[str, ...]:
        """Lists the losses of a model with these center levels by name; "loss" comes first."""
        semantic = (_SEMANTIC,) if self.semantic_weight else ()
        of_levels = (f"{term}/level_{level}" for term in _TERMS for level in levels)
        return ("loss", *_TERMS, *semantic, *of_levels)

    def __call__(
        self,
        outputs: dict,
        labels: dict[str, tf.Tensor],
        sum_over_replicas: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    ) -> dict[str, tf.Tensor]:
        """Computes this replica's share of the global loss.

        Args:
          outputs: of the model with the true centers.
          labels: a batch of examples with the fields of `types`. Without `CONTENT_SIZE` there is no
            padding.
          sum_over_replicas: sums a scalar over replicas.

        Returns:
          Scalars by the names of `names`:
          - `loss`, the weighted sum;
          - `center_heatmap_loss`, `mask_bce_loss` and `mask_dice_loss`, without weights, and
            `semantic_loss` if it has a weight;
          - the share of each level in them, such as `mask_bce_loss/level_3`. A mask counts for the
            level of its center. These shares are for logs; those of masks have no gradient.
        """
        normalizer = sum_over_replicas(num_segments(labels)) + 1.0
        parts = {name: value / normalizer for name, value in self._sums(outputs, labels).items()}
        mask_loss = parts["mask_bce_loss"] + parts["mask_dice_loss"]
        loss = self.center_weight * parts["center_heatmap_loss"] + self.mask_weight * mask_loss
        if self.semantic_weight:
            loss += self.semantic_weight * parts[_SEMANTIC]
        return {"loss": loss} | parts

    def _sums(self, outputs: dict, labels: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Sums each loss over cells, slots and pictures, with the shares of levels."""
        present = labels[types.SLOT_CLASS_IDS] >= 0  # [B, K]
        terms = mask_terms(
            outputs[types.MASK_LOGITS],
            labels[types.SLOT_MAP],
            whole_canvas=self.bce_divisor == "canvas",
            border_weight=self.border_weight,
        )
        heatmaps = self._heatmap_losses(outputs[types.CENTER_HEATMAP_LOGITS], labels, terms)
        bce, dice = terms.bce, dice_loss(terms.overlap, terms.sizes)
        if self.dice == "batch":
            dice = tf.zeros_like(dice) + joint_dice_loss(terms, present)
        present = tf.cast(present, tf.float32)
        sums = {
            "center_heatmap_loss": sum(heatmaps.values()),
            "mask_bce_loss": tf.reduce_sum(present * bce),
            "mask_dice_loss": tf.reduce_sum(present * dice),
        }
        for level, heatmap in heatmaps.items():
            on_level = tf.cast(labels[types.CENTER_LEVELS] == level, tf.float32)  # [B, K]
            sums |= {
                f"center_heatmap_loss/level_{level}": heatmap,
                f"mask_bce_loss/level_{level}": tf.reduce_sum(on_level * tf.stop_gradient(bce)),
                f"mask_dice_loss/level_{level}": tf.reduce_sum(on_level * tf.stop_gradient(dice)),
            }
        if self.semantic_weight:
            semantic = semantic_branch_loss(
                outputs[types.SEMANTIC_LOGITS], labels[types.SLOT_MAP], labels[types.SLOT_CLASS_IDS]
            )
            sums[_SEMANTIC] = tf.reduce_sum(tf.reduce_sum(present, axis=1) * semantic)
        return sums

    def _heatmap_losses(
        self, logits: dict[int, tf.Tensor], labels: dict[str, tf.Tensor], terms: MaskTerms
    ) -> dict[int, tf.Tensor]:
        """Draws the target of each level and sums its loss over the pictures; level -> loss."""
        form = FocalForm(self.alpha, self.beta, self.positive_from, self.score_clip)
        losses = {}
        for level, level_logits in logits.items():
            _, height, width, num_classes = level_logits.shape
            on_level = labels[types.CENTER_LEVELS] == level
            class_ids = tf.where(on_level, labels[types.SLOT_CLASS_IDS], types.PAD_ID)
            indices = labels[types.CENTER_INDICES]
            heatmap = draw_heatmap(
                indices, labels[types.GAUSSIAN_RADII], class_ids, height, width, num_classes
            )
            quality = None
            if self.quality:
                iou = tf.stop_gradient(soft_iou(terms))
                scores = draw_centers(indices, class_ids, iou, height, width, num_classes)
                quality = 1.0 - self.quality * (1.0 - scores)
            valid = negative_cells(labels, level, height, width, self.padding, self.void)
            loss = center_heatmap_loss(level_logits, heatmap, valid, form, quality)
            losses[level] = tf.reduce_sum(loss)
        return losses


def num_segments(labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """Counts the segments of a batch, float32 scalar: its part of the normalizer."""
    return tf.reduce_sum(tf.cast(labels[types.SLOT_CLASS_IDS] >= 0, tf.float32))
