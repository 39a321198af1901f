"""Image classification on MaskConver's trunk: the first stage of training."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.models.trunk import Trunk


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class ImageClassifier(Trunk):
    """Predicts a class for the whole picture.

    The model takes the mean of each decoder level over all cells, concatenates the means, and
    applies a norm and one dense layer.

    It uses all levels because weight decay would shrink the weights of levels without a gradient,
    and the next stage would start from them. To classify from level 5 only, set
    `ConvNeXtUNet.repeats = (18,)`. The next stage then starts levels 4 and 3 from random weights.

    Shapes: images uint8 `[B, H, W, 3]`, H and W static multiples of 32, to `CLASS_LOGITS` float32
    `[B, C]`.

    Args:
      num_classes: C.
      backbone: images to level -> features.
      pixel_decoder: level -> features to level -> features.
      pyramid: adds levels to those of the decoder, or None.
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
