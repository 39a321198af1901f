import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.models.mask_embedding_generator import MaskEmbeddingGenerator
from tests.unit.layers.check_layer import check_layer, shake

EMBEDDINGS = tf.random.stateless_normal([2, 3, 4], [1, 2])
CLASS_IDS = tf.constant([[0, 4, 2], [4, 4, 1]])


def apply(generator, inputs, training):
    return generator(*inputs, training=training)


def make_generator(class_embedding="add", norm="layer"):
    tf_keras.utils.set_random_seed(3)  # Whatever tests came before.
    generator = MaskEmbeddingGenerator(5, 4, 6, class_embedding, norm)
    generator(EMBEDDINGS, CLASS_IDS)
    shake(generator)
    return generator


@pytest.mark.parametrize(
    ("class_embedding", "norm"), [("add", "layer"), ("multiply", "batch"), ("none", "layer")]
)
def test_is_a_layer(class_embedding, norm):
    check_layer(
        lambda: MaskEmbeddingGenerator(5, 4, 6, class_embedding, norm, name="generator"),
        (EMBEDDINGS, CLASS_IDS),
        (2, 3, 4),
        apply,
    )


@pytest.mark.parametrize(
    ("class_embedding", "combine"),
    [("add", np.add), ("multiply", np.multiply), ("none", lambda center, _: center)],
)
def test_combines_center_and_class_before_two_layers(class_embedding, combine):
    generator = make_generator(class_embedding)
    weights = {w.name.split(":")[0].split("/", 1)[1]: w.numpy() for w in generator.weights}
    table = weights.get("class_embedding_table", np.zeros([5, 4]))
    x = combine(EMBEDDINGS.numpy(), table[CLASS_IDS.numpy()]) @ weights["hidden/kernel"]
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    x = np.maximum(x * weights["norm/gamma"] + weights["norm/beta"], 0)
    x = x @ weights["output/kernel"] + weights["output/bias"]
    np.testing.assert_allclose(generator(EMBEDDINGS, CLASS_IDS), x, atol=1e-5)


@pytest.mark.parametrize(
    ("class_embedding", "differ"), [("add", True), ("multiply", True), ("none", False)]
)
def test_the_class_tells_segments_with_one_center_apart(class_embedding, differ):
    one_center = tf.tile(EMBEDDINGS[:1, :1], [1, 2, 1])
    ring, ball = make_generator(class_embedding)(one_center, [[1, 3]])[0].numpy()
    assert (np.abs(ring - ball).max() > 1e-3) == differ
    if not differ:
        np.testing.assert_array_equal(ring, ball)


def test_an_empty_slot_gives_finite_numbers_and_changes_no_other_slot():
    generator = make_generator()
    with_empty = generator(EMBEDDINGS, [[0, -1, 2], [-1, -1, 1]]).numpy()
    full = generator(EMBEDDINGS, CLASS_IDS).numpy()
    assert np.isfinite(with_empty).all()
    np.testing.assert_allclose(with_empty[0, [0, 2]], full[0, [0, 2]], atol=1e-6)
    np.testing.assert_allclose(with_empty[1, 2], full[1, 2], atol=1e-6)


def test_reordering_slots_reorders_embeddings():
    generator = make_generator(norm="batch")
    order = [2, 0, 1]
    reordered = generator(tf.gather(EMBEDDINGS, order, axis=1), tf.gather(CLASS_IDS, order, axis=1))
    expected = tf.gather(generator(EMBEDDINGS, CLASS_IDS), order, axis=1)
    np.testing.assert_allclose(reordered, expected, atol=1e-6)


def test_another_way_to_combine_is_refused_by_name():
    with pytest.raises(UserError, match="class_embedding = 'concat': expected 'add'"):
        MaskEmbeddingGenerator(5, class_embedding="concat")
