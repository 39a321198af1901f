"""Image classification on MaskConver's trunk: the first stage of training."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.models.trunk import Trunk


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class ImageClassifier(Trunk):
    """A class for the whole picture: the mean of each decoder level, normed, and one dense layer.

    All levels, not the coarsest alone: what no gradient reaches would be worn away by weight decay,
    and the next stage would start from it. A decoder of one level (`ConvNeXtUNet.repeats = (18,)`)
    classifies by the coarsest; the next stage then makes the finer ones anew.

    Shapes: images uint8 `[B, H, W, 3]`, H and W static multiples of 32, to `CLASS_LOGITS` float32
    `[B, C]`.

    Args:
      num_classes: C.
      backbone: see `MaskConver`.
      pixel_decoder: level -> features to level -> features.
      pyramid: what extends the decoder's levels, or None.
    """

    def __init__(
        self,
        num_classes: int,
        backbone: tf_keras.layers.Layer,
        pixel_decoder: tf_keras.layers.Layer,
        pyramid: tf_keras.layers.Layer | None = None,
        **kwargs,
    ):
        super().__init__(backbone, pixel_decoder, pyramid, **kwargs)
        self.num_classes = num_classes
        self.norm = tf_keras.layers.LayerNormalization(epsilon=1e-6, dtype="float32", name="norm")
        self.classes = tf_keras.layers.Dense(
            num_classes,
            kernel_initializer=tf_keras.initializers.RandomNormal(stddev=0.01),
            dtype="float32",
            name="classes",
        )

    def call(self, images: tf.Tensor, training: bool | None = None) -> dict[str, tf.Tensor]:
        _, levels = self.compute_features(images, training)
        means = [
            tf.reduce_mean(tf.cast(levels[level], tf.float32), axis=[1, 2])
            for level in sorted(levels)
        ]
        return {types.CLASS_LOGITS: self.classes(self.norm(tf.concat(means, axis=-1)))}

    def get_config(self):
        return {"name": self.name} | self.parts_config() | {"num_classes": self.num_classes}
