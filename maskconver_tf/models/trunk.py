"""The parts that the models of all training stages share: backbone, pixel decoder and pyramid."""

from __future__ import annotations

import inspect
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.setting_checks import check_objects

_PARTS = ("backbone", "pixel_decoder", "pyramid")


class Trunk(tf_keras.Model):
    """The first half of the paper's figure: backbone, pixel decoder and pyramid.

    These parts have the same names in the models of all training stages. Therefore a stage can load
    their weights from the stage before it by name.

    Args:
      backbone: images to level -> features.
      pixel_decoder: level -> features to level -> features.
      pyramid: adds levels to those of the decoder (`LightFPN`), or None.
    """

    def __init__(
        self,
        backbone: tf_keras.layers.Layer,
        pixel_decoder: tf_keras.layers.Layer,
        pyramid: tf_keras.layers.Layer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        where = type(self).__name__
        check_objects(
            where,
            backbone=(backbone, "call", "@resnet()"),
            pixel_decoder=(pixel_decoder, "call", "@ConvNeXtUNet()"),
        )
        if pyramid is not None:
            check_objects(where, pyramid=(pyramid, "call", "@LightFPN()"))
        self.backbone = backbone
        self.pixel_decoder = pixel_decoder
        self.pyramid = pyramid

    def compute_features(
        self, images: tf.Tensor, training: bool | None = None
    ) -> tuple[dict[int, tf.Tensor], dict[int, tf.Tensor]]:
        """Computes the backbone's features and the decoder's levels of uint8 `[B, H, W, 3]` images.

        Returns:
          Level -> feature of the backbone; and level -> feature of the decoder and the pyramid.

        Raises:
          UserError: H or W is not a multiple of 32.
        """
        check_image_size(images)
        features = self.backbone(images, training=training)
        levels = self.pixel_decoder(features, training=training)
        if self.pyramid is not None:
            levels = self.pyramid(levels, training=training)
        return features, levels

    def parts_config(self) -> dict:
        """Returns the serialised parts, for the `get_config` of a model."""
        return {name: tf_keras.utils.serialize_keras_object(getattr(self, name)) for name in _PARTS}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {
            name: tf_keras.utils.deserialize_keras_object(config[name], custom_objects)
            for name in _PARTS
            if config[name] is not None
        }
        return cls(**{**config, **parts})


def settings_of(model: type[Trunk], arguments: dict[str, Any]) -> dict[str, Any]:
    """Picks the settings among the arguments of a model's constructor, for its `get_config`.

    Args:
      model: the class.
      arguments: the local variables of its constructor.

    Returns:
      name -> value of all arguments but the parts of the trunk.
    """
    names = inspect.signature(model.__init__).parameters.keys() - {"self", "kwargs", *_PARTS}
    return {name: arguments[name] for name in sorted(names)}


def check_image_size(images: tf.Tensor) -> None:
    """Raises `UserError` unless H and W of images `[B, H, W, 3]` are static multiples of 32."""
    height, width = images.shape[1:3]
    if not height or not width or height % 32 or width % 32:
        raise UserError(
            f"images are {height}x{width}; expected heights and widths that are multiples of 32, "
            "such as 640x640 or 800x1216; pad them, or use `maskconver_tf.load`, which takes "
            "pictures of any size"
        )
