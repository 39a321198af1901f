"""One training step gives the same result on one device, on two, and compiled with XLA."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.input.targets import TargetBuilder
from maskconver_tf.layers.norm import batch_norms
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training import optimizers
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from tests.unit.layers.check_layer import precision


@pytest.fixture(scope="module")
def one_step(dataset):
    """`one_step(strategy, frozen, jit_compile, recompute)`: losses and updates of one SGD step on 4
    examples, under the current precision policy, and whether the backbone's batch norms changed.

    With frozen batch norms rounding errors stay small. Batch statistics over the few cells of these
    tiny pictures magnify them: where a ReLU flips, they reach a percent of the first layers'
    gradients. A step is computed once: tracing takes long, and many tests compare with one step.
    """
    task, known = _task(dataset), {}

    def run(strategy: tf.distribute.Strategy, *settings, **options):
        policy = tf_keras.mixed_precision.global_policy().name
        key = (strategy.num_replicas_in_sync, policy, settings, *sorted(options.items()))
        if key not in known:
            known[key] = compute(strategy, *settings, **options)
        return known[key]

    def compute(
        strategy: tf.distribute.Strategy,
        frozen: bool = True,
        jit_compile: bool = False,
        recompute: bool = False,
        **options,
    ):
        with strategy.scope():
            model = _tiny_model(len(task.categories), frozen, recompute)
            optimizer = optimizers.make_optimizer(10, "sgd", 0.1, warmup_steps=0, clip_norm=None)
            optimizers.build_optimizer(optimizer, model)
        training_step = TrainingStep(task, model, optimizer, strategy, jit_compile, **options)
        before = [v.numpy() for v in model.trainable_variables]
        norms = [v for norm in batch_norms(model.backbone) for v in norm.variables]
        norms_before = [v.numpy() for v in norms]
        losses = training_step.train(tf.constant(1))
        assert all(isinstance(value, float | np.floating) for value in losses.values())
        updates = [v.numpy() - b for v, b in zip(model.trainable_variables, before)]
        moved = {bool((v.numpy() != b).any()) for v, b in zip(norms, norms_before, strict=True)}
        return [losses[name] for name in task.loss_names(model)], updates, moved

    return run


def _tiny_model(num_classes: int, frozen: bool, recompute: bool) -> MaskConver:
    """A model with the same weights each time. Noise moves them from where gradients are zero."""
    tf_keras.utils.set_random_seed(1)
    model = MaskConver(
        num_classes,
        resnet(10, 0.25, freeze_batch_norm=frozen),
        ConvNeXtUNet((1, 1, 1), (16, 16, 16), kernel_size=3, recompute=recompute),
        center_levels=(3, 4, 5),
        width=16,
        hidden=32,
        head_repeats=1,
        head_kernel_size=3,
    )
    build_network(model, (64, 96))
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        noise = generator.normal(scale=0.05, size=variable.shape)
        variable.assign(variable + noise.astype(np.float32))
    return model


def _task(dataset, loss=MaskConverLoss()) -> PanopticTask:  # noqa: B008
    data = TrainingInput(str(dataset), (64, 96), batch_size=4, seed=5)
    targets = functools.partial(TargetBuilder, 24, level_bounds=(16, 32))
    return PanopticTask(
        model=_tiny_model,
        loss=loss,
        train_input=data,
        targets=targets,
        fusion=PanopticFusion(),
    )


def one_device() -> tf.distribute.Strategy:
    return tf.distribute.OneDeviceStrategy("CPU:0")


@pytest.mark.parametrize(("frozen", "tolerance"), [(True, 1e-4), (False, 0.05)])
def test_two_replicas_equal_one_with_the_joint_batch(one_step, two_devices, frozen, tolerance):
    _assert_same(one_step(two_devices, frozen), one_step(one_device(), frozen), tolerance)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("replicas", [1, 2])
def test_batch_norms_of_the_backbone_change_unless_frozen(one_step, two_devices, replicas, frozen):
    """On two replicas they are of another class, which synchronizes."""
    strategy = one_device() if replicas == 1 else two_devices
    assert (True in one_step(strategy, frozen)[2]) != frozen


@pytest.mark.parametrize("replicas", [1, 2])
def test_accumulated_step_equals_that_of_the_whole_batch(one_step, two_devices, replicas):
    strategy = one_device() if replicas == 1 else two_devices
    found = one_step(strategy, accumulation_steps=2)
    _assert_same(found, one_step(one_device()), tolerance=1e-4)


def test_step_that_is_not_finite_is_skipped(dataset):
    """Of three steps the middle one is skipped: weights change twice, and the data continues."""
    model = _tiny_model(len(_task(dataset).categories), frozen=False, recompute=False)
    optimizer = optimizers.make_optimizer(10, "sgd", 1e-3, warmup_steps=0)
    optimizers.build_optimizer(optimizer, model)

    class Spoilt(MaskConverLoss):
        def __call__(self, outputs, labels, total):
            losses = super().__call__(outputs, labels, total)
            bad = tf.where(optimizer.iterations == 1, np.nan, 1.0)
            return losses | {"loss": losses["loss"] * bad, "mask_bce_loss": bad * 1.0}

    def step(max_skipped: int) -> TrainingStep:
        task = _task(dataset, Spoilt())
        return TrainingStep(task, model, optimizer, one_device(), max_skipped=max_skipped)

    skipping, seen = step(1), []
    for _ in range(3):
        output = skipping.train(tf.constant(1))
        seen.append([v.numpy() for v in model.trainable_variables])
    assert output["skipped_steps"] == 1
    assert skipping.steps_done == 3
    moved = [any((a != b).any() for a, b in zip(*pair)) for pair in itertools.pairwise(seen)]
    assert moved == [False, True]
    assert all(np.isfinite(variable).all() for variable in model.variables)
    optimizer.iterations.assign(1)
    with pytest.raises(UserError, match="not finite at step 1: mask_bce_loss"):
        step(0).train(tf.constant(1))


def test_step_compiles_with_xla(one_step):
    """XLA fuses sums into other orders, and which depends on the processor's vector width."""
    compiled = one_step(one_device(), jit_compile=True)
    _assert_same(compiled, one_step(one_device()), tolerance=1e-3, loss_tolerance=2e-4)


@pytest.mark.parametrize("replicas", [1, 2])
def test_step_with_recomputed_blocks_is_the_same(one_step, two_devices, replicas):
    strategy = one_device() if replicas == 1 else two_devices
    _assert_same(one_step(strategy, recompute=True), one_step(one_device()), tolerance=1e-4)


def test_bfloat16_step_agrees_with_float32(one_step):
    """Losses agree to 1 %, and the whole update to 10 % of its length.

    Single weights may differ more, because rounding can turn a ReLU off and change its gradient.
    """
    with precision("mixed_bfloat16"):
        losses, updates, _ = one_step(one_device())
    expected_losses, expected, _ = one_step(one_device())
    np.testing.assert_allclose(losses, expected_losses, rtol=0.01)
    found, wanted = (np.concatenate([u.ravel() for u in x]) for x in (updates, expected))
    assert np.linalg.norm(found - wanted) <= 0.1 * np.linalg.norm(wanted)


def _assert_same(step, expected, tolerance: float, loss_tolerance: float = 2e-5) -> None:
    """Allows each variable's update an error of `tolerance` times its norm."""
    np.testing.assert_allclose(step[0], expected[0], rtol=loss_tolerance)
    for found, update in zip(step[1], expected[1]):
        assert np.linalg.norm(found - update) <= tolerance * np.linalg.norm(update) + 1e-7
