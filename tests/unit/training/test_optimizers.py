"""Optimizers: schedule, decay, clipping, momentum and the backbone's rate."""

import math

import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.layers.convnext_block import ConvNeXtSEBlock
from maskconver_tf.models.mask_embedding_generator import MaskEmbeddingGenerator
from maskconver_tf.training.optimizers import (
    build_optimizer,
    is_kernel,
    make_optimizer,
    scaled_learning_rate,
    warmup_cosine,
)
from tests.unit.training.two_weights import step, two_weights, values

CONSTANT = {"total_steps": 10**9, "warmup_steps": 0}
"""The cosine is so long that the rate does not fall in the first steps."""


@pytest.fixture
def model():
    return two_weights()


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


# ---- The rate of the backbone --------------------------------------------------------------------
class WithBackbone(tf_keras.Model):
    """Two dense layers of one weight, 3 and 3. The first is the backbone."""

    def __init__(self):
        super().__init__()
        self.backbone = tf_keras.Sequential([dense()])
        self.head = tf_keras.Sequential([dense()])

    def call(self, x):
        return self.head(self.backbone(x))


def dense() -> tf_keras.layers.Layer:
    three = tf_keras.initializers.Constant(3.0)
    return tf_keras.layers.Dense(1, use_bias=False, kernel_initializer=three, name="same")


def trained(
    name: str, backbone_rate: float, jit_compile: bool = False, scale: float = 1.0, **settings
) -> list[float]:
    """The weights of backbone and head after two steps with gradient 1, then 2, times `scale`."""
    model = WithBackbone()
    model(tf.zeros([1, 1]))
    settings = {"weight_decay": 0.0, "clip_norm": None} | settings
    optimizer = make_optimizer(
        **CONSTANT, name=name, learning_rate=0.1, backbone_rate=backbone_rate, **settings
    )
    build_optimizer(optimizer, model)

    @tf.function(jit_compile=jit_compile)
    def update(gradient):
        variables = model.trainable_variables
        optimizer.apply_gradients([(tf.fill(v.shape, gradient), v) for v in variables])

    for gradient in (1.0, 2.0):
        update(tf.constant(gradient * scale))
    assert float(optimizer.learning_rate) == pytest.approx(0.1)
    return values(model)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_the_backbone_moves_by_its_share(name, jit_compile):
    backbone, head = trained(name, 0.1, jit_compile)
    assert head == pytest.approx(trained(name, 1.0)[1], rel=1e-6)
    assert head < 2.9
    assert 3 - backbone == pytest.approx(0.1 * (3 - head), rel=1e-4)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_weight_decay_of_the_backbone_follows_its_rate(name):
    backbone, head = trained(name, 0.5, scale=0.0, weight_decay=0.5)
    assert head == pytest.approx(3 * 0.95**2)
    assert backbone == pytest.approx(3 * 0.975**2)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_backbone_with_rate_0_stands_still(name):
    backbone, head = trained(name, 0.0, weight_decay=0.5, ema_decay=0.9)
    assert (backbone, head < 2.9) == (3.0, True)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"name": "adam"}, r"make_optimizer.name = 'adam' \(text\): expected 'adamw' or 'sgd'"),
        ({"learning_rate": "1e-3"}, r"learning_rate = '1e-3' \(text\): .*; write .* = 0.001"),
        ({"warmup_steps": -1}, r"warmup_steps = -1 .*: expected a whole number from 0"),
        ({"backbone_rate": -0.1}, r"backbone_rate = -0.1 .*: expected a number from 0"),
        ({"ema_warmup": "yes"}, r"ema_warmup = 'yes' \(text\): expected True or False"),
        ({"ema_decay": 1.5}, r"make_optimizer.ema_decay = 1.5 .*: expected a number from 0 to 1"),
    ],
)
def test_an_impossible_setting_is_named(setting, message):
    with pytest.raises(UserError, match=message):
        make_optimizer(10, **setting)
