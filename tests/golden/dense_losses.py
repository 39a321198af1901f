"""The losses of MaskConver and their gradients from dense targets, in float64.

This shares no code with the package. It has one target array per segment, loops over pixels and
segments, and derivatives that are worked out by hand.
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass
class DenseLosses:
    """The losses of one batch, and the gradients of the weighted total.

    Attributes:
      total: the weighted sum.
      heatmap, bce, dice: without weights, each divided by the number of segments + 1.
      mask_gradient: `[B, h, w, K]`.
      heatmap_gradients: level -> `[B, Hl, Wl, C]`.
    """

    total: float
    heatmap: float
    bce: float
    dice: float
    mask_gradient: np.ndarray
    heatmap_gradients: dict[int, np.ndarray]


def dense_losses(mask_logits, heatmap_logits, labels, label_stride, mask_weight, center_weight):
    """Computes all losses of a batch.

    Args:
      mask_logits: `[B, h, w, K]`.
      heatmap_logits: level -> `[B, Hl, Wl, C]`.
      labels: `slot_map`, `slot_class_ids`, `center_levels`, `center_indices`, `gaussian_radii`.
      label_stride: input pixels per cell of the slot map.
      mask_weight: of BCE + Dice.
      center_weight: of the heatmaps.
    """
    normalizer = np.sum(labels["slot_class_ids"] >= 0) + 1.0
    mask_gradient = np.zeros(mask_logits.shape)
    bce = dice = 0.0
    for picture, slots in enumerate(labels["slot_class_ids"]):
        shares, valid = dense_targets(labels["slot_map"][picture], mask_logits[picture].shape)
        for slot in np.flatnonzero(slots >= 0):
            x = mask_logits[picture, ..., slot].astype(np.float64)
            slot_bce, bce_gradient = cross_entropy(x, shares[..., slot], valid)
            slot_dice, dice_gradient = dice_loss(x, shares[..., slot], valid)
            bce += slot_bce / normalizer
            dice += slot_dice / normalizer
            gradient = mask_weight * (bce_gradient + dice_gradient) / normalizer
            mask_gradient[picture, ..., slot] = gradient
    heatmap, heatmap_gradients = 0.0, {}
    for level, logits in heatmap_logits.items():
        loss, gradient = _level_loss(logits.astype(np.float64), level, labels, label_stride)
        heatmap += loss / normalizer
        heatmap_gradients[level] = center_weight * gradient / normalizer
    total = center_weight * heatmap + mask_weight * (bce + dice)
    return DenseLosses(total, heatmap, bce, dice, mask_gradient, heatmap_gradients)


def dense_targets(slot_map, shape):
    """Each segment's share of each mask cell, `[h, w, K]`, and the labelled share, `[h, w]`."""
    height, width, num_slots = shape
    ratio = slot_map.shape[0] // height
    shares, valid = np.zeros([height, width, num_slots]), np.zeros([height, width])
    for row, column in np.ndindex(slot_map.shape):
        slot = slot_map[row, column] - 1
        if slot >= 0:
            shares[row // ratio, column // ratio, slot] += 1 / ratio**2
            valid[row // ratio, column // ratio] += 1 / ratio**2
    return shares, valid


def cross_entropy(x, share, valid):
    """Mean over labelled area of -t log p - (v - t) log(1 - p), and its derivative by x."""
    if not valid.any():
        return 0.0, np.zeros_like(x)
    cells = share * np.logaddexp(0, -x) + (valid - share) * np.logaddexp(0, x)
    return cells.sum() / valid.sum(), (valid * sigmoid(x) - share) / valid.sum()


def dice_loss(x, share, valid):
    """1 - (2 sum t p + 1) / (sum v p + sum t + 1), and its derivative by x."""
    p = sigmoid(x)
    overlap = 2 * (share * p).sum() + 1
    size = (valid * p).sum() + share.sum() + 1
    by_p = -(2 * share * size - valid * overlap) / size**2
    return 1 - overlap / size, by_p * p * (1 - p)


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def focal_loss(x, target, valid):
    """CenterNet's focal loss (alpha 2, beta 4) of one map of logits, and its derivative by x."""
    p, log_p, log_1_p = sigmoid(x), -np.logaddexp(0, -x), -np.logaddexp(0, x)
    is_center = target == 1
    weight = (1 - target) ** 4 * valid
    loss = np.where(is_center, -((1 - p) ** 2) * log_p, -weight * p**2 * log_1_p)
    at_center = 2 * p * (1 - p) ** 2 * log_p - (1 - p) ** 3
    elsewhere = weight * (p**3 - 2 * p**2 * (1 - p) * log_1_p)
    return loss.sum(), np.where(is_center, at_center, elsewhere)


def dense_heatmap(shape, centers, radii, class_ids):
    """A Gaussian per center in its class's channel, cut off at its radius; overlaps: the max."""
    heatmap = np.zeros(shape)
    for (y, x), radius, class_id in zip(centers, radii, class_ids):
        for row, column in np.ndindex(shape[:2]):
            if max(abs(row - y), abs(column - x)) <= radius:
                sigma = (2 * radius + 1) / 6
                value = np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * sigma**2))
                heatmap[row, column, class_id] = max(heatmap[row, column, class_id], value)
    return heatmap


def labelled_cells(slot_map, label_stride, stride, shape):
    """1 where any pixel under a cell of a level belongs to a segment; `[Hl, Wl]`."""
    valid = np.zeros(shape)
    for row, column in zip(*np.nonzero(slot_map)):
        valid[row * label_stride // stride, column * label_stride // stride] = 1
    return valid


def _level_loss(logits, level, labels, label_stride):
    total, gradient = 0.0, np.zeros_like(logits)
    for picture, x in enumerate(logits):
        chosen = labels["center_levels"][picture] == level
        target = dense_heatmap(
            x.shape,
            labels["center_indices"][picture][chosen],
            labels["gaussian_radii"][picture][chosen],
            labels["slot_class_ids"][picture][chosen],
        )
        slot_map = labels["slot_map"][picture]
        valid = labelled_cells(slot_map, label_stride, 2**level, x.shape[:2])
        loss, gradient[picture] = focal_loss(x, target, valid[..., None])
        total += loss
    return total, gradient
