"""The window of each mask around its center: the same in training and in inference."""

import re

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError, typed_repr
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.ops.centers import flat_indices
from maskconver_tf.ops.positions import add_windows
from tests.unit.layers.check_layer import check_layer, precision, shake
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, LEVEL_SIZES, apply, make_model

REAL = CENTERS[types.SLOT_CLASS_IDS].numpy() >= 0


def make(position=True, policy="float32", **settings):
    with precision(policy):
        model = make_model(position=position, num_proposals=6, **settings)
        model(IMAGES)
    shake(model)
    return model


def propose(model, monkeypatch):
    """Inference whose proposals are the true centers."""
    chosen = {
        "flat_indices": flat_indices(
            CENTERS[types.CENTER_LEVELS], CENTERS[types.CENTER_INDICES], LEVEL_SIZES
        ),
        "class_ids": CENTERS[types.SLOT_CLASS_IDS],
        "scores": tf.ones([2, 6]),
    }
    monkeypatch.setattr("maskconver_tf.models.chosen_centers.top_k_centers", lambda *_: chosen)
    return model(IMAGES, training=False)


def test_is_a_layer():
    check_layer(
        lambda: make_model(position=True),
        (IMAGES, CENTERS),
        {
            types.CENTER_HEATMAP_LOGITS: {k: (2, *size, 3) for k, size in LEVEL_SIZES.items()},
            types.MASK_LOGITS: (2, 24, 40, 6),
        },
        apply,
        bfloat16_output="float32",
        bfloat16_error=0.06,
    )


@pytest.mark.parametrize("position", [True, "two_axes"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_training_and_inference_make_the_same_masks(position, policy, monkeypatch):
    model = make(position, policy)
    trained = apply(model, (IMAGES, CENTERS), False)[types.MASK_LOGITS]
    found = propose(model, monkeypatch)
    features, embeddings = found[types.MASK_FEATURES], found[types.MASK_EMBEDDINGS]
    assert features.shape == (2, 24, 40, 18) and embeddings.shape == (2, 6, 18)
    assert features.dtype == embeddings.dtype == tf.float32
    products = tf.einsum("bhwd,bkd->bhwk", features, embeddings)
    np.testing.assert_allclose(trained, products, atol=1e-3)
    # Through float16, the window is as exact as in float32; only the other channels are rounded.
    low = [tf.cast(tf.cast(x, tf.float16), tf.float32) for x in (features, embeddings)]
    np.testing.assert_allclose(tf.einsum("bhwd,bkd->bhwk", *low), products, atol=0.02)


def test_the_window_is_the_only_difference_and_has_its_peak_at_the_center():
    plain, windowed = make(False), make(True)
    for weight, other in zip(_common(windowed), plain.weights, strict=True):
        other.assign(weight)
    window = (
        apply(windowed, (IMAGES, CENTERS), False)[types.MASK_LOGITS]
        - apply(plain, (IMAGES, CENTERS), False)[types.MASK_LOGITS]
    ).numpy()
    assert window[~REAL[:, np.newaxis, np.newaxis].repeat(24, 1).repeat(40, 2)].max() < 1e-4
    for picture, slot in zip(*np.nonzero(REAL)):
        stride = 2 ** (CENTERS[types.CENTER_LEVELS][picture, slot].numpy() - 2)
        y, x = (CENTERS[types.CENTER_INDICES][picture, slot].numpy() + 0.5) * stride
        rows, columns = np.mgrid[:24, :40] + 0.5
        squares = ((rows - y) ** 2 + (columns - x) ** 2) / stride**2
        falloff = -window[picture, ..., slot].sum() / squares.sum()
        assert falloff > 0.01
        np.testing.assert_allclose(window[picture, ..., slot], -falloff * squares, atol=1e-3)
    for picture, slot in zip(*np.nonzero(~REAL)):
        np.testing.assert_allclose(window[picture, ..., slot], 0, atol=1e-4)


def test_masks_start_with_a_window_of_some_cells_in_every_class():
    model = make_model(position=True)
    apply(model, (IMAGES, CENTERS), False)
    embeddings = tf.random.stateless_normal([2, 6, 8], [1, 2])
    _, falloff = model.mask_embedding_generator(embeddings, CENTERS[types.SLOT_CLASS_IDS])
    np.testing.assert_allclose(falloff, np.log1p(np.exp(-3.0)), rtol=0.05)


def test_the_gradient_of_a_mask_reaches_its_falloff_and_compiles():
    model = make(center_levels=(4,), pyramid=None)
    embeddings = {4: tf.random.stateless_normal([2, 6, 10, 8], [1, 2])}
    chosen = {
        "flat_indices": tf.constant([[0, 59, 7, 8, 9, 0], [7, 3, 3, 0, 6, 4]]),
        "class_ids": CENTERS[types.SLOT_CLASS_IDS],
    }
    weights = model.mask_embedding_generator.trainable_weights

    @tf.function(jit_compile=True)
    def gradients():
        with tf.GradientTape() as tape:
            _, middles, falloff = model._generate(embeddings, chosen, True)
            logits = add_windows(tf.zeros([2, 24, 40, 6]), middles, falloff, 4)
            loss = tf.reduce_sum(tf.where(REAL[:, None, None], tf.nn.softplus(logits), 0.0))
        found = tape.gradient(loss, weights, unconnected_gradients="zero")
        return loss, [tf.convert_to_tensor(gradient) for gradient in found]

    loss, compiled = gradients()
    assert np.isfinite(loss)
    falloff = {w.name: x.numpy() for w, x in zip(weights, compiled) if "falloff" in w.name}
    assert len(falloff) == 3  # Kernel, bias and class table.
    for gradient in falloff.values():
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 1e-3
    # A wider window has larger logits everywhere, so less falloff means more softplus.
    (bias,) = [x for name, x in falloff.items() if "bias" in name]
    assert bias.item() < 0


def test_empty_slots_stay_finite_and_without_effect_at_any_falloff():
    model = make()
    model.mask_embedding_generator.falloff_dense.bias.assign([1e4])
    logits = apply(model, (IMAGES, CENTERS), True)[types.MASK_LOGITS].numpy()
    assert np.isfinite(logits).all()
    empty = np.moveaxis(logits, -1, 1)[~REAL]
    assert np.abs(empty).max() < 50


def test_restores_its_position():
    for position in (False, True, "two_axes"):
        model = make_model(position=position)
        assert MaskConver.from_config(model.get_config()).get_config()["position"] == position


@pytest.mark.parametrize("value", ["round", 1, 0, None, "True", 0.5])
def test_another_value_is_refused_with_its_type(value):
    shown = re.escape("None" if value is None else typed_repr(value))
    words = f"^MaskConver.position = {shown}: expected False, True or 'two_axes'"
    with pytest.raises(UserError, match=words):
        make_model(position=value)


def _common(model):
    return [weight for weight in model.weights if "falloff" not in weight.name]


def test_without_position_there_is_no_weight_of_it():
    plain = make_model()
    outputs = plain(IMAGES)
    assert outputs[types.MASK_FEATURES].shape[-1] == outputs[types.MASK_EMBEDDINGS].shape[-1] == 8
    assert len(_common(plain)) == len(plain.weights)
