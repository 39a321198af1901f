"""The mask embedding generator (MaskConver, arXiv 2312.06052, section 3.4)."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.activation import ActivationKind, make_activation
from maskconver_tf.layers.first_weights import table_weights
from maskconver_tf.layers.norm import NormKind, make_norm
from maskconver_tf.setting_checks import check_choices

ClassEmbedding = Literal["add", "multiply", "none"]
Position = Literal[False, True, "two_axes"]

FIRST_FALLOFF = -3.0
"""Falloff before the softplus and before training: masks reach some 5 cells of their level."""


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class MaskEmbeddingGenerator(tf_keras.layers.Layer):
    """Computes a mask embedding from the embedding and the class of a center.

    mask_embedding = fc(act(norm(fc(center_embedding + class_embedding_table[class]))))

    The dot product of a mask embedding and the mask features is the mask. The class table tells
    segments of different classes apart that share a center, such as a ring around a ball. An empty
    slot (negative class) uses class 0; the losses ignore it. A batch norm takes its statistics over
    the other slots only, so that the number of slots does not change the result.

    With `position` the generator also computes the falloff of each mask's window around its center
    (docs/decisions/position.md), in float32 under every precision policy:

    falloff = softplus(fc(act(norm(...))) + falloff_table[class])

    Shapes: center embeddings `[B, K, D]` and class ids `[B, K]` -> `[B, K, D]`. With `position` the
    result is a pair, with the falloff `[B, K, 2]` in y and x as the second. It is not negative, in
    logits per squared cell of the center's level.

    Args:
      num_classes: C, rows of the table.
      width: D.
      hidden: width between the two layers. Large: 1024, mobile: 256.
      class_embedding: "add" as in the paper; "multiply" as in the released code; "none" to measure
        the effect of the class table.
      norm: kind of norm between the two layers. The paper's models have a layer norm.
      position: False for no window; True for a round one, with one falloff for y and x; "two_axes"
        for a falloff of each.

    Raises:
      UserError: `class_embedding`, `norm` or `position` has another value.

    Source: MaskConver section 3.4 and table 6.
    """

    def __init__(
        self,
        num_classes: int,
        width: int = 256,
        hidden: int = 1024,
        class_embedding: ClassEmbedding = "add",
        norm: NormKind = "layer",
        activation: ActivationKind = "relu",
        position: Position = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_choices("MaskConver", ("add", "multiply", "none"), class_embedding=class_embedding)
        check_choices("MaskConver", ("layer", "batch"), embedding_norm=norm)
        check_choices("MaskConver", (False, True, "two_axes"), position=position)
        self._config = {
            "num_classes": num_classes,
            "width": width,
            "hidden": hidden,
            "class_embedding": class_embedding,
            "norm": norm,
            "activation": activation,
            "position": position,
        }
        self.activation = make_activation(activation, "MaskEmbeddingGenerator.activation")
        self.hidden = tf_keras.layers.Dense(hidden, use_bias=False, name="hidden")
        self.norm = make_norm(norm, "norm")
        # Small first weights keep the first mask logits near 0 for every width of the dot product.
        self.output_dense = tf_keras.layers.Dense(
            width, kernel_initializer=tf_keras.initializers.RandomNormal(stddev=0.01), name="output"
        )
        if position:
            self.falloff_dense = tf_keras.layers.Dense(
                _num_axes(position),
                kernel_initializer=tf_keras.initializers.RandomNormal(stddev=0.001),
                bias_initializer=tf_keras.initializers.Constant(FIRST_FALLOFF),
                dtype="float32",
                name="falloff",
            )

    def build(self, input_shape):
        if self._config["class_embedding"] != "none":
            self.class_embedding_table = self.add_weight(
                "class_embedding_table",
                shape=[self._config["num_classes"], self._config["width"]],
                initializer=table_weights(),
            )
            if self._config["position"]:
                self.falloff_table = self.add_weight(
                    "falloff_table",
                    shape=[self._config["num_classes"], _num_axes(self._config["position"])],
                    initializer="zeros",
                )
        super().build(input_shape)

    def call(
        self, center_embeddings: tf.Tensor, class_ids: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        x = self._with_class(center_embeddings, tf.maximum(class_ids, 0))
        # Only a batch norm has statistics, so only it must know which slots are empty.
        mask = {"mask": class_ids >= 0} if self._config["norm"] == "batch" else {}
        x = self.activation(self.norm(self.hidden(x), training=training, **mask))
        if not self._config["position"]:
            return self.output_dense(x)
        return self.output_dense(x), self._falloff(x, tf.maximum(class_ids, 0))

    def _falloff(self, x: tf.Tensor, class_ids: tf.Tensor) -> tf.Tensor:
        raw = self.falloff_dense(x)
        if self._config["class_embedding"] != "none":
            raw += tf.gather(tf.cast(self.falloff_table, tf.float32), class_ids)
        falloff = tf.nn.softplus(raw)  # [B, K, 1 or 2]
        return tf.repeat(falloff, 2 // falloff.shape[-1], axis=-1)

    def _with_class(self, center_embeddings: tf.Tensor, class_ids: tf.Tensor) -> tf.Tensor:
        kind = self._config["class_embedding"]
        if kind == "none":
            return center_embeddings
        table = tf.cast(self.class_embedding_table, self.compute_dtype)
        class_embeddings = tf.gather(table, class_ids)  # [B, K, D]
        if kind == "add":
            return center_embeddings + class_embeddings
        return center_embeddings * class_embeddings

    def of_each_part(
        self, joined: tf.Tensor, class_ids: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        """Makes the mask embeddings of n center embeddings that stand side by side.

        Args:
          joined: `[B, K, n D]`.
          class_ids: int32 `[B, K]`.

        Returns:
          The same as a call. Mask embeddings are `[B, K, n D]`; their dot product with n mask
          features side by side is the mean of n mask logits. The falloff is the mean of n.
        """
        count = joined.shape[-1] // self._config["width"]
        if count == 1:
            return self(joined, class_ids, training=training)
        parts = [self(x, class_ids, training=training) for x in tf.split(joined, count, axis=-1)]
        if not self._config["position"]:
            return tf.concat(parts, axis=-1) / count
        mask_embeddings, falloffs = zip(*parts, strict=True)
        return tf.concat(mask_embeddings, axis=-1) / count, tf.add_n(falloffs) / count

    def get_config(self):
        return super().get_config() | self._config


def _num_axes(position: Position) -> int:
    return 2 if position == "two_axes" else 1
