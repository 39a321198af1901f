"""Optimizers: schedule, decay, clipping, momentum and moving averages."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.layers.convnext_block import ConvNeXtSEBlock
from maskconver_tf.models.mask_embedding_generator import MaskEmbeddingGenerator
from maskconver_tf.training.optimizers import (
    averaged_weights,
    build_optimizer,
    is_kernel,
    make_optimizer,
    scaled_learning_rate,
    warmup_cosine,
)

CONSTANT = {"total_steps": 10**9, "warmup_steps": 0}
"""The cosine is so long that the rate does not fall in the first steps."""


@pytest.fixture
def model():
    """A dense layer of two weights, 3 and -5, then a batch norm."""
    dense = tf_keras.layers.Dense(1, kernel_initializer="ones")
    model = tf_keras.Sequential([dense, tf_keras.layers.BatchNormalization()])
    model.build([None, 1])
    dense.kernel.assign([[3.0]])
    dense.bias.assign([-5.0])
    return model


def step(optimizer, model, **gradients):
    """Makes one update. Weights without an argument have gradient 0."""
    pairs = []
    for variable in model.trainable_variables:
        value = gradients.get(variable.name.split("/")[-1].split(":")[0], 0.0)
        pairs.append((tf.fill(variable.shape, float(value)), variable))
    optimizer.apply_gradients(pairs)


def values(model):
    """Returns kernel, bias, gamma and beta."""
    return [variable.numpy().item() for variable in model.trainable_variables]


@pytest.mark.parametrize(
    ("at", "rate"),
    [(0, 0), (5, 1), (10, 2), (35, 0.2 + 1.8 * (2 + math.sqrt(2)) / 4), (60, 1.1), (110, 0.2)],
)
def test_rate_rises_linearly_and_falls_along_half_a_cosine(at, rate):
    schedule = warmup_cosine(2.0, total_steps=110, warmup_steps=10, final_fraction=0.1)
    assert float(schedule(at)) == pytest.approx(rate, rel=1e-5)


def test_rate_may_end_at_zero_and_may_start_at_its_peak():
    assert float(warmup_cosine(2.0, 100, warmup_steps=10)(100)) == pytest.approx(0, abs=1e-6)
    assert float(warmup_cosine(2.0, 100, warmup_steps=10)(150)) == pytest.approx(0, abs=1e-6)
    assert float(warmup_cosine(2.0, 100)(0)) == 2
    assert float(warmup_cosine(2.0, 100)(50)) == pytest.approx(1)
    assert float(warmup_cosine(2.0, total_steps=5, warmup_steps=10)(5)) == pytest.approx(1)


def test_rate_grows_with_the_batch():
    assert scaled_learning_rate(0.1, "sgd", batch_size=64, reference_batch=16) == pytest.approx(0.4)
    assert scaled_learning_rate(0.1, "adamw", batch_size=64, reference_batch=16) == pytest.approx(
        0.2
    )


def test_the_optimizer_follows_the_schedule(model):
    optimizer = make_optimizer(
        110, "sgd", 2.0, 10, final_fraction=0.1, weight_decay=0, clip_norm=None, momentum=0
    )
    build_optimizer(optimizer, model)
    optimizer.iterations.assign(60)
    step(optimizer, model, kernel=1)
    assert values(model) == pytest.approx([3 - 1.1, -5, 1, 0])
    assert int(optimizer.iterations) == 61


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_weight_decay_shrinks_only_kernels_in_proportion_to_the_rate(model, name):
    optimizer = make_optimizer(**CONSTANT, name=name, learning_rate=0.1, weight_decay=0.5)
    build_optimizer(optimizer, model)
    step(optimizer, model)
    assert values(model) == pytest.approx([3 * 0.95, -5, 1, 0])
    step(optimizer, model)
    assert values(model) == pytest.approx([3 * 0.95**2, -5, 1, 0])


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_no_weight_decay_keeps_kernels(model, name):
    optimizer = make_optimizer(**CONSTANT, name=name, learning_rate=0.1, weight_decay=0.0)
    build_optimizer(optimizer, model)
    step(optimizer, model)
    assert values(model) == [3, -5, 1, 0]


def test_l2_is_added_to_the_clipped_gradient_and_passes_through_the_momentum(model):
    """Worked by hand: rate 0.1, l2 0.5, momentum 0.9; gradient 0, then 10, clipped to 1."""
    optimizer = make_optimizer(
        **CONSTANT, name="sgd", learning_rate=0.1, weight_decay=0, l2=0.5, clip_norm=1.0
    )
    build_optimizer(optimizer, model)
    step(optimizer, model)
    velocity = -0.1 * 0.5 * 3
    assert values(model) == pytest.approx([3 + velocity, -5, 1, 0])
    step(optimizer, model, kernel=10)
    velocity = 0.9 * velocity - 0.1 * (0.5 * (3 + velocity) + 1)
    assert values(model)[0] == pytest.approx(3 - 0.1 * 0.5 * 3 + velocity)
    assert values(model)[1:] == [-5, 1, 0]
    with pytest.raises(
        UserError,
        match=r"l2 = 0\.5: only SGD has .*make_optimizer\.name = 'adamw'\. Set .*weight_decay",
    ):
        make_optimizer(10, "adamw", l2=0.5)


def test_biases_norms_scales_and_tables_are_not_kernels():
    block = ConvNeXtSEBlock(2, kernel_size=3)
    block(tf.zeros([1, 4, 4, 2]))
    generator = MaskEmbeddingGenerator(3, 2, 4, norm="batch")
    generator(tf.zeros([1, 1, 2]), tf.constant([[0]]))
    separable = tf_keras.layers.SeparableConv2D(3, 3)
    separable(tf.zeros([1, 4, 4, 2]))
    chosen = {
        layer.name: [w.name.split("/", 1)[-1].split(":")[0] for w in layer.weights if is_kernel(w)]
        for layer in (block, generator, separable)
    }
    squeeze_excite = [name for name in chosen[block.name] if name.startswith("squeeze_excite/")]
    assert len(squeeze_excite) == 2
    assert sorted(set(chosen[block.name]) - set(squeeze_excite)) == [
        "contract/kernel",
        "depthwise/depthwise_kernel",
        "expand/kernel",
    ]
    assert chosen[generator.name] == ["hidden/kernel", "output/kernel"]
    assert chosen[separable.name] == ["depthwise_kernel", "pointwise_kernel"]


def test_clips_the_norm_of_all_gradients_together(model):
    optimizer = make_optimizer(
        **CONSTANT, name="sgd", learning_rate=1.0, weight_decay=0, clip_norm=1.0, momentum=0
    )
    build_optimizer(optimizer, model)
    step(optimizer, model, kernel=30, bias=-40)
    assert values(model) == pytest.approx([3 - 0.6, -5 + 0.8, 1, 0])
    step(optimizer, model, kernel=0.6)
    assert values(model) == pytest.approx([3 - 1.2, -5 + 0.8, 1, 0])


def test_without_a_clip_norm_gradients_stay_unchanged(model):
    optimizer = make_optimizer(
        **CONSTANT, name="sgd", learning_rate=1.0, weight_decay=0, clip_norm=None, momentum=0
    )
    build_optimizer(optimizer, model)
    step(optimizer, model, kernel=30, bias=-40)
    assert values(model) == pytest.approx([-27, 35, 1, 0])


def test_sgd_has_momentum(model):
    optimizer = make_optimizer(
        **CONSTANT, name="sgd", learning_rate=1.0, weight_decay=0, clip_norm=None, momentum=0.5
    )
    build_optimizer(optimizer, model)
    for _ in range(3):
        step(optimizer, model, kernel=1)
    assert values(model)[0] == pytest.approx(3 - 1 - 1.5 - 1.75)


def test_the_first_step_of_adamw_is_the_rate_for_any_gradient(model):
    optimizer = make_optimizer(**CONSTANT, learning_rate=0.1, weight_decay=0, clip_norm=None)
    build_optimizer(optimizer, model)
    step(optimizer, model, kernel=1000, bias=-0.01)
    assert values(model) == pytest.approx([2.9, -4.9, 1, 0], rel=1e-4)


def test_prepare_makes_all_variables_of_a_checkpoint(model):
    optimizer = make_optimizer(**CONSTANT, ema_decay=0.9)
    build_optimizer(optimizer, model)
    slots = [variable.shape for variable in optimizer.variables if variable.shape.rank]
    assert len(slots) == 3 * len(model.trainable_variables)  # Two moments and the average.
    before = len(optimizer.variables)
    step(optimizer, model, kernel=1)
    assert len(optimizer.variables) == before


def test_averages_replace_weights_only_in_the_context(model):
    optimizer = _averaging_sgd(model)
    step(optimizer, model, kernel=1, gamma=2)  # 2, -1 from 3, 1.
    step(optimizer, model, kernel=1, gamma=2)  # 1, -3.
    with averaged_weights(optimizer, model):
        kernel = 0.9 * (0.9 * 3 + 0.1 * 2) + 0.1 * 1
        gamma = 0.9 * (0.9 * 1 + 0.1 * -1) + 0.1 * -3
        assert values(model) == pytest.approx([kernel, -5, gamma, 0])
        # A weight that is not trained has no average.
        model.non_trainable_variables[0].assign([7.0])
    assert values(model) == [1, -5, -3, 0]
    assert model.non_trainable_variables[0].numpy().item() == 7


def test_the_context_changes_no_bit_of_model_and_optimizer(model):
    rng = np.random.default_rng(1)
    optimizer = _averaging_sgd(model)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape).astype(np.float32))
    step(optimizer, model, kernel=0.3, bias=0.1)
    before = [w.numpy() for w in (*model.weights, *optimizer.variables)]
    with averaged_weights(optimizer, model):
        pass
    with averaged_weights(optimizer, model):
        pass
    after = [w.numpy() for w in (*model.weights, *optimizer.variables)]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_return_after_an_exception_too(model):
    optimizer = _averaging_sgd(model)
    step(optimizer, model, kernel=1)
    with pytest.raises(KeyboardInterrupt), averaged_weights(optimizer, model):
        assert values(model)[0] == pytest.approx(2.9)
        raise KeyboardInterrupt
    assert values(model) == [2, -5, 1, 0]


def test_weights_return_when_the_swap_itself_fails(model, monkeypatch):
    optimizer = _averaging_sgd(model)

    def fail_half_way(variables):
        variables[0].assign([[99.0]])
        raise MemoryError

    monkeypatch.setattr(optimizer, "finalize_variable_values", fail_half_way)
    with pytest.raises(MemoryError), averaged_weights(optimizer, model):
        pass
    assert values(model) == [3, -5, 1, 0]


def test_without_an_average_the_weights_themselves_are_used(model):
    optimizer = make_optimizer(**CONSTANT, name="sgd", learning_rate=1.0, weight_decay=0)
    build_optimizer(optimizer, model)
    step(optimizer, model, kernel=1)
    with averaged_weights(optimizer, model):
        assert values(model) == [2, -5, 1, 0]
    assert values(model) == [2, -5, 1, 0]


def _averaging_sgd(model):
    optimizer = make_optimizer(
        **CONSTANT,
        name="sgd",
        learning_rate=1.0,
        weight_decay=0,
        clip_norm=None,
        momentum=0,
        ema_decay=0.9,
    )
    build_optimizer(optimizer, model)
    return optimizer


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"name": "adam"}, r"make_optimizer.name = 'adam' \(text\): expected 'adamw' or 'sgd'"),
        ({"learning_rate": "1e-3"}, r"learning_rate = '1e-3' \(text\): .*; write .* = 0.001"),
        ({"warmup_steps": -1}, r"warmup_steps = -1 .*: expected a whole number from 0"),
        ({"ema_decay": 1.5}, r"make_optimizer.ema_decay = 1.5 .*: expected a number from 0 to 1"),
    ],
)
def test_an_impossible_setting_is_named(setting, message):
    with pytest.raises(UserError, match=message):
        make_optimizer(10, **setting)
