"""The mask embedding generator (MaskConver, arXiv 2312.06052, section 3.4)."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.layers.norm import NormKind, make_norm

ClassEmbedding = Literal["add", "multiply", "none"]


@tf_keras.utils.register_keras_serializable("maskconver_tf")
class MaskEmbeddingGenerator(tf_keras.layers.Layer):
    """Computes a mask embedding from the embedding and the class of a center.

    mask_embedding = fc(act(norm(fc(center_embedding + class_embedding_table[class]))))

    The dot product of a mask embedding and the mask features is the mask. The class table tells
    segments of different classes apart that share a center, such as a ring around a ball. An empty
    slot (negative class) uses class 0; the losses ignore it.

    Shapes: center embeddings `[B, K, D]` and class ids `[B, K]` -> `[B, K, D]`.

    Args:
      num_classes: C, rows of the table.
      width: D.
      hidden: width between the two layers. Large: 1024, mobile: 256.
      class_embedding: "add" as in the paper; "multiply" as in the released code; "none" to measure
        the effect of the class table.
      norm: kind of norm between the two layers.

    Raises:
      UserError: `class_embedding` has another value.

    Source: MaskConver section 3.4 and table 6.
    """

    def __init__(
        self,
        num_classes: int,
        width: int = 256,
        hidden: int = 1024,
        class_embedding: ClassEmbedding = "add",
        norm: NormKind = "layer",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if class_embedding not in ("add", "multiply", "none"):
            raise UserError(
                f"MaskConver.class_embedding = {class_embedding!r}: expected 'add', 'multiply' or "
                "'none'"
            )
        self._config = {
            "num_classes": num_classes,
            "width": width,
            "hidden": hidden,
            "class_embedding": class_embedding,
            "norm": norm,
        }
        self.hidden = tf_keras.layers.Dense(hidden, use_bias=False, name="hidden")
        self.norm = make_norm(norm, "norm")
        # Small first weights keep the first mask logits near 0 for every width of the dot product.
        self.output_dense = tf_keras.layers.Dense(
            width, kernel_initializer=tf_keras.initializers.RandomNormal(stddev=0.01), name="output"
        )

    def build(self, input_shape):
        if self._config["class_embedding"] != "none":
            self.class_embedding_table = self.add_weight(
                "class_embedding_table",
                shape=[self._config["num_classes"], self._config["width"]],
                initializer=tf_keras.initializers.RandomNormal(stddev=0.1),
            )
        super().build(input_shape)

    def call(
        self, center_embeddings: tf.Tensor, class_ids: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        x = self._with_class(center_embeddings, tf.maximum(class_ids, 0))
        x = tf.nn.relu(self.norm(self.hidden(x), training=training))
        return self.output_dense(x)

    def _with_class(self, center_embeddings: tf.Tensor, class_ids: tf.Tensor) -> tf.Tensor:
        kind = self._config["class_embedding"]
        if kind == "none":
            return center_embeddings
        table = tf.cast(self.class_embedding_table, self.compute_dtype)
        class_embeddings = tf.gather(table, class_ids)  # [B, K, D]
        if kind == "add":
            return center_embeddings + class_embeddings
        return center_embeddings * class_embeddings

    def get_config(self):
        return super().get_config() | self._config
