import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.models.mask_embedding_generator import MaskEmbeddingGenerator
from tests.unit.layers.check_layer import assert_close, check_layer, precision, shake

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
    with pytest.raises(UserError, match=r"class_embedding = 'concat' \(text\): expected 'add'"):
        MaskEmbeddingGenerator(5, class_embedding="concat")


@pytest.mark.parametrize("position", [True, "two_axes"])
@pytest.mark.parametrize("class_embedding", ["add", "none"])
def test_is_a_layer_with_position(class_embedding, position):
    def apply_as_float32(generator, inputs, training):
        embeddings, falloff = generator(*inputs, training=training)
        assert falloff.dtype == tf.float32
        return tf.cast(embeddings, tf.float32), falloff

    check_layer(
        lambda: MaskEmbeddingGenerator(
            5, 4, 6, class_embedding, position=position, name="generator"
        ),
        (EMBEDDINGS, CLASS_IDS),
        ((2, 3, 4), (2, 3, 2)),
        apply_as_float32,
        bfloat16_output="float32",
    )


def test_a_round_window_has_one_falloff_and_a_window_of_two_axes_two():
    for position, differ in ((True, False), ("two_axes", True)):
        generator = MaskEmbeddingGenerator(5, 4, 6, position=position)
        generator(EMBEDDINGS, CLASS_IDS)
        shake(generator)
        falloff = generator(EMBEDDINGS, CLASS_IDS)[1].numpy()
        assert (falloff > 0).all()
        assert (np.abs(falloff[..., 0] - falloff[..., 1]).min() > 1e-4) == differ


@pytest.mark.parametrize("norm", ["layer", "batch"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_number_of_slots_changes_nothing(norm, policy):
    """Eight segments give the same embeddings and statistics with 8 slots and with 64."""
    center_embeddings = tf.random.stateless_normal([2, 8, 4], [5, 6]) * 3.0
    class_ids = tf.constant([[0, 4, 2, 1, 1, 3, 0, 2], [4, 4, 1, 0, -1, -1, -1, -1]])
    outputs, weights = [], []
    for num_slots in (8, 64):
        with precision(policy):
            tf_keras.utils.set_random_seed(3)
            generator = MaskEmbeddingGenerator(5, 4, 6, norm=norm)
        rest = [[0, 0], [0, num_slots - 8]]
        # Empty slots take the feature of cell 0, which may be anything.
        padded = tf.pad(center_embeddings, [*rest, [0, 0]], constant_values=7.0)
        found = generator(padded, tf.pad(class_ids, rest, constant_values=-1), training=True)
        outputs.append(tf.boolean_mask(tf.cast(found[:, :8], tf.float32), class_ids >= 0))
        weights.append([w for w in generator.weights if "moving" in w.name])
    assert float(tf.math.reduce_std(outputs[0])) > 1e-3
    assert_close(*outputs, tolerance=1e-5 if policy == "float32" else 0.02)
    assert len(weights[0]) == (2 if norm == "batch" else 0)
    assert_close(*weights, tolerance=1e-5)


def test_a_batch_norm_of_real_slots_has_unit_variance_over_them():
    generator = MaskEmbeddingGenerator(5, 4, 6, norm="batch")
    class_ids = tf.constant([[0, 4, 2, 1, 3, 0] + [-1] * 30] * 2)
    generator(tf.random.stateless_normal([2, 36, 4], [5, 6]) * 5.0, class_ids, training=True)
    x = tf.random.stateless_normal([2, 36, 6], [7, 8]) * 5.0
    normed = generator.norm(x, training=True, mask=class_ids >= 0)
    real = tf.boolean_mask(normed, class_ids >= 0).numpy()
    np.testing.assert_allclose(real.std(0), 1.0, atol=1e-2)
    np.testing.assert_allclose(real.mean(0), 0.0, atol=1e-4)


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_a_batch_without_segments_stays_finite(norm):
    generator = MaskEmbeddingGenerator(5, 4, 6, norm=norm)
    for _ in range(3):
        found = generator(EMBEDDINGS, tf.fill([2, 3], -1), training=True)
    assert np.isfinite(found).all()
    assert all(np.isfinite(weight).all() for weight in generator.weights)


@pytest.mark.parametrize("value", ["group", None, True])
def test_another_norm_is_refused_by_the_name_of_its_setting(value):
    words = rf"MaskConver.embedding_norm = {value!r}.*: expected 'layer' or 'batch'"
    with pytest.raises(UserError, match=words):
        MaskEmbeddingGenerator(5, norm=value)
