"""The weighted sum of all losses; docs/glossary.md explains the terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.center_heatmap import center_heatmap_loss
from maskconver_tf.losses.mask_losses import mask_losses
from maskconver_tf.ops.gaussian import draw_heatmap

_TERMS = ("center_heatmap_loss", "mask_bce_loss", "mask_dice_loss")


@dataclasses.dataclass(frozen=True)
class MaskConverLoss:
    """Center heatmap loss + mask_weight x (BCE + Dice), each a sum / (number of segments + 1).

    The number of segments is that of the global batch. Therefore the losses and gradients of all
    replicas add up to those of one replica with the whole batch.

    Attributes:
      mask_weight: w in the paper; 10 for the large model, 5 for mobile.
      center_weight: weight of the heatmap loss.
    """

    mask_weight: float = 10.0
    center_weight: float = 1.0

    @staticmethod
    def names(levels: Iterable[int]) -> tuple[str, ...]:
        """Lists the losses of a model with these center levels by name; "loss" comes first."""
        of_levels = (f"{term}/level_{level}" for term in _TERMS for level in levels)
        return ("loss", *_TERMS, *of_levels)

    def __call__(
        self,
        outputs: dict,
        labels: dict[str, tf.Tensor],
        sum_over_replicas: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    ) -> dict[str, tf.Tensor]:
        """Computes this replica's share of the global loss.

        Args:
          outputs: of the model with the true centers.
          labels: a batch of examples with the fields of `types`.
          sum_over_replicas: sums a scalar over replicas.

        Returns:
          Scalars by the names of `names`:
          - `loss`, the weighted sum;
          - `center_heatmap_loss`, `mask_bce_loss` and `mask_dice_loss`, without weights;
          - the share of each level in them, such as `mask_bce_loss/level_3`. A mask counts for the
            level of its center. These shares are for logs; those of masks have no gradient.
        """
        present = tf.cast(labels[types.SLOT_CLASS_IDS] >= 0, tf.float32)  # [B, K]
        normalizer = sum_over_replicas(num_segments(labels)) + 1.0
        bce, dice = mask_losses(outputs[types.MASK_LOGITS], labels[types.SLOT_MAP])
        heatmaps = _heatmap_losses(outputs[types.CENTER_HEATMAP_LOGITS], labels)
        parts = {
            "center_heatmap_loss": sum(heatmaps.values()),
            "mask_bce_loss": tf.reduce_sum(present * bce),
            "mask_dice_loss": tf.reduce_sum(present * dice),
        }
        for level, heatmap in heatmaps.items():
            on_level = tf.cast(labels[types.CENTER_LEVELS] == level, tf.float32)  # [B, K]
            parts |= {
                f"center_heatmap_loss/level_{level}": heatmap,
                f"mask_bce_loss/level_{level}": tf.reduce_sum(on_level * tf.stop_gradient(bce)),
                f"mask_dice_loss/level_{level}": tf.reduce_sum(on_level * tf.stop_gradient(dice)),
            }
        parts = {name: value / normalizer for name, value in parts.items()}
        mask_loss = parts["mask_bce_loss"] + parts["mask_dice_loss"]
        loss = self.center_weight * parts["center_heatmap_loss"] + self.mask_weight * mask_loss
        return {"loss": loss} | parts


def num_segments(labels: dict[str, tf.Tensor]) -> tf.Tensor:
    """Counts the segments of a batch, float32 scalar: its part of the normalizer."""
    return tf.reduce_sum(tf.cast(labels[types.SLOT_CLASS_IDS] >= 0, tf.float32))


def _heatmap_losses(
    logits: dict[int, tf.Tensor], labels: dict[str, tf.Tensor]
) -> dict[int, tf.Tensor]:
    """Draws the target of each level and sums its loss over the pictures; level -> loss."""
    losses = {}
    for level, level_logits in logits.items():
        _, height, width, num_classes = level_logits.shape
        on_level = labels[types.CENTER_LEVELS] == level
        heatmap = draw_heatmap(
            labels[types.CENTER_INDICES],
            labels[types.GAUSSIAN_RADII],
            tf.where(on_level, labels[types.SLOT_CLASS_IDS], types.PAD_ID),
            height,
            width,
            num_classes,
        )
        valid_mask = valid_cells(labels[types.SLOT_MAP], height, width)
        loss = center_heatmap_loss(level_logits, heatmap, valid_mask)
        losses[level] = tf.reduce_sum(loss)
    return losses


def valid_cells(slot_map: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Marks the cells of a coarser grid that have a labelled pixel; 0 or 1, float32 `[B, h, w]`.

    The grid may extend past the map at the bottom and right by less than one cell.
    """
    rows, columns = slot_map.shape[1:]
    # The ratio of strides is a power of two. If the grid extends past the map, the ratio of sizes
    # is smaller, but more than half of it.
    at_least = max(-(-rows // height), -(-columns // width))
    ratio = 1 << (at_least - 1).bit_length()
    overhang = [[0, 0], [0, height * ratio - rows], [0, width * ratio - columns]]
    valid = tf.pad(tf.cast(slot_map != types.VOID, tf.float32), overhang)
    cells = tf.reshape(valid, [-1, height, ratio, width, ratio])
    return tf.reduce_max(cells, axis=[2, 4])
