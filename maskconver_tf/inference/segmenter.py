"""Joins a model and its fusion to one function that segments a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.input.transforms import fit_image
from maskconver_tf.postprocess.score_curves import ScoreCurves, recalibrated


class Fusion(Protocol):
    """Makes a panoptic map from the outputs of a model: `PanopticFusion` or `PanopticGrouping`.

    Attributes:
      fields: names of the outputs that it takes. The segmenter asks the model for no others.
    """

    fields: tuple[str, ...]

    def max_segments(self, outputs: dict[str, tf.Tensor]) -> int:
        """Returns how many segments a picture can have at most."""

    def __call__(
        self,
        outputs: dict[str, tf.Tensor],
        content_size: tf.Tensor,
        image_size: tf.Tensor,
        is_thing: tf.Tensor,
        stride: int,
        thresholds: dict[str, tf.Tensor] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Makes the finished prediction of one picture, see `PanopticFusion`."""


class PanopticSegmenter(tf.Module):
    """Segments pictures, for evaluation, prediction and export alike.

    Args:
      model: a panoptic model with its weights; it has a `mask_level`.
      fusion: makes a panoptic map from the outputs of this model.
      categories: the class list.
      input_size: (height, width) of the model's input, multiples of 32. Pictures are scaled to fit.
      jit_compile: compile the network with XLA, once for each batch size. The fusion is not
        compiled, because its shapes depend on the number of segments.
      recalibration: replaces the scores of the finished segments. The fusion uses the scores of the
        network, so masks, thresholds and the order of the segments do not depend on it. None keeps
        the scores.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        fusion: Fusion,
        categories: Categories,
        input_size: tuple[int, int],
        jit_compile: bool = False,
        recalibration: Recalibration | None = None,
    ):
        super().__init__()
        self.model = model
        self.fusion = fusion
        self.categories = categories
        self.recalibration = recalibration
        self.input_size = tuple(input_size)
        images = tf.TensorSpec([None, *self.input_size, 3], tf.uint8)
        image = tf.TensorSpec([None, None, 3], tf.uint8)
        self.propose = _function(
            self.propose_batch, input_signature=[images], jit_compile=jit_compile or None
        )
        # For calls inside other graphs: a separate `tf.function` only if it must be compiled.
        self.propose_in_graph = self.propose if jit_compile else self.propose_batch
        self.fuse = _function(self.fuse_one, reduce_retracing=True)
        self.segment = _function(self.segment_one, input_signature=[image])

    def propose_batch(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes the outputs that the fusion takes, of inputs uint8 `[B, *input_size, 3]`.

        Floating-point outputs are float32. Proposals and mask features are such outputs, or the
        class logits, center scores and offsets of Panoptic-DeepLab.
        """
        outputs = self.model(images, training=False)
        taken = take_outputs(outputs, self.model, self.fusion)
        return {
            name: tf.cast(value, tf.float32) if value.dtype.is_floating else value
            for name, value in taken.items()
        }

    def fuse_one(
        self,
        proposals: dict[str, tf.Tensor],
        content_size: tf.Tensor,
        image_size: tf.Tensor,
        thresholds: dict[str, tf.Tensor] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Fuses the proposals of one picture to a finished prediction.

        Args:
          thresholds: those of the fusion that differ from its own.
        """
        found = self.fusion(
            proposals,
            content_size,
            image_size,
            tf.constant(self.categories.is_thing),
            2**self.model.mask_level,
            thresholds,
        )
        if (curves := self.score_curves) is None:
            return found
        scores, class_ids = found[types.SEGMENT_SCORES], found[types.SEGMENT_CLASS_IDS]
        return found | {types.SEGMENT_SCORES: recalibrated(curves, scores, class_ids)}

    @property
    def score_curves(self) -> ScoreCurves | None:
        """The recalibration, with a row for each class."""
        if self.recalibration is None:
            return None
        return ScoreCurves(*self.recalibration.table(self.categories.names))

    def segment_one(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts the segments of a picture uint8 `[h, w, 3]`."""
        fitted, content_size = fit_image(image, self.input_size)
        proposals = self.propose_in_graph(fitted[tf.newaxis])
        single = {name: value[0] for name, value in proposals.items()}
        return self.fuse_one(single, content_size, tf.shape(image)[:2])


def take_outputs(
    outputs: dict[str, tf.Tensor], model: tf_keras.Model, taker: object
) -> dict[str, tf.Tensor]:
    """Returns the outputs of a model that a fusion or a loss takes, named by its `fields`.

    Raises:
      UserError: the model has no such output, so the two do not belong together.
    """
    if missing := [name for name in taker.fields if name not in outputs]:
        raise UserError(
            f"{type(taker).__name__} takes {', '.join(missing)}, but {type(model).__name__} gives "
            f"{', '.join(outputs)}; bind the loss and the fusion that belong to the model, as "
            "experiments/model/maskconver.gin and experiments/task/panoptic_deeplab.gin do"
        )
    return {name: outputs[name] for name in taker.fields}


def _function(method: Callable, **kwargs) -> Callable:
    """Makes a `tf.function` without AutoGraph: nothing here needs it, and it slows tracing."""
    return tf.function(tf.autograph.experimental.do_not_convert(method), **kwargs)
