"""Softmax cross-entropy for the stages before panoptic training, per picture and per pixel."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.mask_losses import pixels_by_cell
from maskconver_tf.setting_checks import check_numbers


@dataclasses.dataclass(frozen=True)
class ClassificationLoss:
    """Mean cross-entropy over the pictures of the global batch; a replica returns its share.

    Attributes:
      label_smoothing: share of the target that is spread evenly over all classes; 0.1 in ConvNeXt's
        ImageNet recipe (arXiv 2201.03545).
    """

    label_smoothing: float = 0.1

    def __post_init__(self):
        check_numbers("ClassificationLoss", 0, 1, label_smoothing=self.label_smoothing)

    def __call__(
        self,
        outputs: dict[str, tf.Tensor],
        labels: dict[str, tf.Tensor],
        sum_over_replicas: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    ) -> dict[str, tf.Tensor]:
        """Computes the scalar "loss" from `CLASS_LOGITS` `[B, C]` and `CLASS_ID` `[B]`."""
        logits, class_ids = outputs[types.CLASS_LOGITS], labels[types.CLASS_ID]
        losses = smoothed_cross_entropy(logits, class_ids[:, tf.newaxis], self.label_smoothing)
        return {"loss": tf.reduce_sum(losses) / sum_over_replicas(self.normalizer(labels))}

    def normalizer(self, labels: dict[str, tf.Tensor]) -> tf.Tensor:
        """Counts the pictures of a batch, float32 scalar; the loss is a mean over all pictures."""
        return tf.cast(tf.size(labels[types.CLASS_ID]), tf.float32)


@dataclasses.dataclass(frozen=True)
class SemanticLoss:
    """Mean cross-entropy over the labelled pixels of the global batch; a replica returns its share.

    Labels may be finer than logits by a whole factor. Each labelled pixel is compared with the
    logits of its cell, without upsampling them. Void pixels do not count. A batch that has only
    void pixels has loss 0.

    Attributes:
      label_smoothing: share of the target that is spread evenly over all classes.
    """

    label_smoothing: float = 0.0

    def __post_init__(self):
        check_numbers("SemanticLoss", 0, 1, label_smoothing=self.label_smoothing)

    def __call__(
        self,
        outputs: dict[str, tf.Tensor],
        labels: dict[str, tf.Tensor],
        sum_over_replicas: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    ) -> dict[str, tf.Tensor]:
        """Computes the scalar "loss".

        It takes `SEMANTIC_LOGITS` `[B, h, w, C]` and `CLASS_MAP` `[B, h r, w r]` for a whole r.
        """
        logits = outputs[types.SEMANTIC_LOGITS]
        _, height, width, num_classes = logits.shape
        class_ids = pixels_by_cell(labels[types.CLASS_MAP], height, width)  # [B, P, r^2]
        logits = tf.reshape(logits, [-1, height * width, num_classes])  # [B, P, C]
        losses = smoothed_cross_entropy(logits, class_ids, self.label_smoothing)
        total = sum_over_replicas(self.normalizer(labels))
        return {"loss": tf.math.divide_no_nan(tf.reduce_sum(losses), total)}

    def normalizer(self, labels: dict[str, tf.Tensor]) -> tf.Tensor:
        """Counts the labelled pixels of a batch, float32 scalar; the loss is a mean over them."""
        return tf.reduce_sum(tf.cast(labels[types.CLASS_MAP] >= 0, tf.float32))


def smoothed_cross_entropy(
    logits: tf.Tensor, class_ids: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Computes log sum exp(x) - (1 - e) x_y - e mean(x) for several labels y of the same logits x.

    Args:
      logits: float32 `[..., C]`.
      class_ids: int `[..., n]`; negative for void.
      label_smoothing: e.

    Returns:
      float32 `[..., n]`, 0 where void.
    """
    own = tf.gather(logits, tf.maximum(class_ids, 0), batch_dims=logits.shape.rank - 1)
    mean = tf.reduce_mean(logits, axis=-1, keepdims=True)
    target = (1.0 - label_smoothing) * own + label_smoothing * mean
    losses = tf.reduce_logsumexp(logits, axis=-1, keepdims=True) - target
    return tf.where(class_ids >= 0, losses, 0.0)
