"""The form that every backbone has for the model: pixels in, levels 2..5 out."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator, Sequence

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.norm import batch_norms

IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
IMAGENET_STD = (0.229 * 255, 0.224 * 255, 0.225 * 255)

_random_weights = contextvars.ContextVar("random_weights", default=False)


@contextlib.contextmanager
def random_weights() -> Iterator[None]:
    """Makes backbones start from random weights in this context, whatever their `weights` say.

    Use it before restoring a checkpoint, or if only shapes matter. It saves reading or downloading
    weights that would not be used.
    """
    token = _random_weights.set(True)
    try:
        yield
    finally:
        _random_weights.reset(token)


def must_load_weights(weights: str | None) -> bool:
    """Whether a backbone with this `weights` argument must load a file, see `random_weights`."""
    return weights is not None and not _random_weights.get()


def keep_outputs(network: tf_keras.Model, keys: Sequence[str]) -> tf_keras.Model:
    """Keeps the outputs `keys`, and removes the layers of other outputs: they get no gradient."""
    return tf_keras.Model(network.input, {key: network.output[key] for key in keys})


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class Backbone(tf_keras.layers.Layer):
    """Normalises pixels for a network and names the network's outputs by pyramid level.

    Shapes: uint8 or float `[B, H, W, 3]` in 0..255, H and W multiples of 32, to level ->
    `[B, H / 2**level, W / 2**level, any]`. The levels are 2, 3, 4, ..., one for each of `keys`.

    Args:
      network: a Keras model with a dict of outputs.
      keys: the network's output keys for levels 2, 3, 4 and, for nearly all networks, 5.
      mean: is subtracted from each channel, in 0..255.
      std: divides each channel after that.
      freeze_batch_norm: keep the statistics, scale and offset of batch norms in training.
    """

    def __init__(
        self,
        network: tf_keras.Model,
        keys: Sequence[str] = ("2", "3", "4", "5"),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        freeze_batch_norm: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network = network
        self._config = {
            "keys": list(keys),
            "mean": list(mean),
            "std": list(std),
            "freeze_batch_norm": freeze_batch_norm,
        }
        if freeze_batch_norm:
            for layer in batch_norms(network):
                layer.trainable = False

    def call(self, images: tf.Tensor, training: bool | None = None) -> dict[int, tf.Tensor]:
        pixels = tf.cast(images, tf.float32)
        pixels = (pixels - self._config["mean"]) / self._config["std"]
        endpoints = self.network(tf.cast(pixels, self.compute_dtype), training=training)
        return {level: endpoints[key] for level, key in enumerate(self._config["keys"], start=2)}

    def get_config(self):
        network = tf_keras.utils.serialize_keras_object(self.network)
        return super().get_config() | {"network": network} | self._config

    @classmethod
    def from_config(cls, config):
        network = tf_keras.utils.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})
