"""Joins a model and its fusion to one function that segments a picture."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.input.transforms import fit_image
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

PROPOSAL_FIELDS = (
    types.PROPOSAL_SCORES,
    types.PROPOSAL_CLASS_IDS,
    types.PROPOSAL_CENTERS,
    types.MASK_EMBEDDINGS,
    types.MASK_FEATURES,
)


class PanopticSegmenter(tf.Module):
    """Segments pictures, for evaluation, prediction and export alike.

    Args:
      model: a `MaskConver` with its weights.
      fusion: makes a panoptic map from proposals.
      categories: the class list.
      input_size: (height, width) of the model's input, multiples of 32. Pictures are scaled to fit.
      jit_compile: compile the network with XLA, once for each batch size. The fusion is not
        compiled, because its shapes depend on the number of segments.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        fusion: PanopticFusion,
        categories: Categories,
        input_size: tuple[int, int],
        jit_compile: bool = False,
    ):
        super().__init__()
        self.model = model
        self.fusion = fusion
        self.categories = categories
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
        """Computes float32 proposals and mask features of inputs uint8 `[B, *input_size, 3]`."""
        outputs = self.model(images, training=False)
        proposals = {name: outputs[name] for name in PROPOSAL_FIELDS}
        for name in (types.MASK_EMBEDDINGS, types.MASK_FEATURES):
            proposals[name] = tf.cast(proposals[name], tf.float32)
        return proposals

    def fuse_one(
        self, proposals: dict[str, tf.Tensor], content_size: tf.Tensor, image_size: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Fuses the proposals of one picture to a finished prediction."""
        return self.fusion(
            proposals,
            content_size,
            image_size,
            tf.constant(self.categories.is_thing),
            2**self.model.mask_level,
        )

    def segment_one(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts the segments of a picture uint8 `[h, w, 3]`."""
        fitted, content_size = fit_image(image, self.input_size)
        proposals = self.propose_in_graph(fitted[tf.newaxis])
        single = {name: value[0] for name, value in proposals.items()}
        return self.fuse_one(single, content_size, tf.shape(image)[:2])


def _function(method: Callable, **kwargs) -> Callable:
    """Makes a `tf.function` without AutoGraph: nothing here needs it, and it slows tracing."""
    return tf.function(tf.autograph.experimental.do_not_convert(method), **kwargs)
