import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.planning.complexity import KINDS, MASK_PRODUCT, LayerCost, count_complexity

layers = tf_keras.layers


class Counted(tf_keras.Model):
    """One of each kind in two parts, products of its own, and what masks are made of."""

    def __init__(self):
        super().__init__(name="counted")
        self.stem = tf_keras.Sequential(
            [
                layers.Conv2D(4, 3, strides=2, padding="same", name="conv"),
                layers.BatchNormalization(),
                layers.DepthwiseConv2D(5, padding="same", use_bias=False, name="depthwise"),
            ],
            name="stem_layer",
        )
        self.head = layers.Dense(7, name="head_layer")

    def call(self, images, training=None):
        x = self.stem(tf.cast(images, tf.float32), training=training)
        coarse = tf.nn.avg_pool2d(x, 2, 2, "VALID")
        x, coarse = self.head(x), self.head(coarse)  # [1, 4, 6, 7], [1, 2, 3, 7]
        similarity = tf.matmul(x[:, 0], x[:, 1], transpose_b=True)  # [1, 6, 6]
        pairs = tf.einsum("bhwd,bijd->bhwij", x, coarse)
        embeddings = x[:, 0, :5] + tf.reduce_sum(similarity) + tf.reduce_sum(pairs)
        return {types.MASK_FEATURES: x, types.MASK_EMBEDDINGS: embeddings}


def test_counts_each_kind_once_a_layer_by_hand():
    model = Counted()
    model(tf.zeros([1, 8, 12, 3], tf.uint8))
    found = count_complexity(model, (8, 12))
    assert found.layers == (
        LayerCost("stem", "conv", "convolution", 4 * 6 * 4 * 3 * 3 * 3),
        LayerCost("stem", "depthwise", "depthwise", 4 * 6 * 4 * 5 * 5),
        LayerCost("head", "", "dense", (4 * 6 + 2 * 3) * 4 * 7),
        LayerCost("", "", "dense", 6 * 6 * 7),
        LayerCost("", "", "einsum", 4 * 6 * 2 * 3 * 7),
        LayerCost(MASK_PRODUCT, "", "einsum", 4 * 6 * 5 * 7),
    )
    assert found.by_part() == {"stem": 4992, "head": 840, "": 252 + 1008, MASK_PRODUCT: 840}
    assert found.by_kind() == dict(zip(KINDS, (2592, 2400, 840 + 252, 1008 + 840)))


def test_the_masks_of_all_proposals_are_told_apart_and_not_in_the_sum():
    model = Counted()
    model(tf.zeros([1, 8, 12, 3], tf.uint8))
    found = count_complexity(model, (8, 12))
    assert found.multiply_adds == 2592 + 2400 + 840 + 252 + 1008
    assert found.mask_product == 4 * 6 * 5 * 7


def test_counts_weights_of_each_part_and_those_that_train():
    model = Counted()
    model(tf.zeros([1, 8, 12, 3], tf.uint8))
    found = count_complexity(model, (8, 12))
    stem = (3 * 3 * 3 * 4 + 4) + 4 * 5 * 5
    assert found.parameters == {"stem": stem + 4 * 4, "head": 4 * 7 + 7}
    assert found.trainable_parameters == {"stem": stem + 2 * 4, "head": 4 * 7 + 7}
    assert found.num_parameters - found.num_trainable_parameters == 2 * 4


def test_cost_grows_with_the_picture_and_weights_do_not():
    model = Counted()
    model(tf.zeros([1, 8, 12, 3], tf.uint8))
    small, large = count_complexity(model, (8, 12)), count_complexity(model, (16, 12))
    assert large.by_kind()["convolution"] == 2 * small.by_kind()["convolution"]
    assert large.parameters == small.parameters
