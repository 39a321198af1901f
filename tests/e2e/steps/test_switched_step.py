"""With the switches of docs/ablations.md a step is the same on replicas, in parts and with XLA."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.losses.maskconver_loss import MaskConverLoss, num_segments
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.training import optimizers
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.tasks.task import Task
from tests.unit.models.tiny_maskconver import make_model

SWITCHES = {"position": True, "center_jitter": 0.5, "mask_lateral": True, "semantic_branch": True}
BATCH = {
    types.IMAGE: tf.cast(
        tf.random.stateless_uniform([4, 64, 96, 3], [1, 2], 0, 256, tf.int32), tf.uint8
    ),
    # Blocks of 16x16 cells: 1 to 6, 0 being void.
    types.SLOT_MAP: tf.constant(
        np.kron(np.random.default_rng(1).integers(0, 7, [4, 2, 3]), np.ones([1, 16, 16])), tf.uint8
    ),
    types.SLOT_CLASS_IDS: tf.constant([[0, 1, 2, 0, 1, -1]] * 4),
    types.CENTER_LEVELS: tf.constant([[3, 3, 4, 4, 3, -1]] * 4),
    types.CENTER_INDICES: tf.constant(
        [[[i, 3], [4, 8], [i, 2], [2, 4], [7, 11], [0, 0]] for i in range(4)]
    ),
    types.GAUSSIAN_RADII: tf.constant([[2, 1, 1, 0, 3, 0]] * 4),
}


class Input:
    batch_size = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Panoptic(Task):
    """The panoptic task on one batch, again and again."""

    def __post_init__(self):
        """Checks nothing: the input is not one of those that Gin files name."""

    def batches(self, network):
        examples = tf.data.Dataset.from_tensor_slices(BATCH).repeat()
        return lambda first_step, context: examples.batch(
            4 // context.num_replicas_in_sync, drop_remainder=True
        )

    def loss_names(self, network):
        return self.loss.names(network.center_levels)

    def losses(self, network, batch, sum_over_replicas):
        outputs = network(batch[types.IMAGE], centers=batch, training=True)
        return self.loss(outputs, batch, sum_over_replicas)

    def loss_normalizer(self, batch):
        return num_segments(batch)


def two_steps(strategy, **options):
    """Losses of the second step, and all weights after it."""
    with strategy.scope():
        model = make_model(
            backbone=resnet(10, width_multiplier=1 / 16, freeze_batch_norm=True),
            center_levels=(3, 4),
            pyramid=None,
            **SWITCHES,
        )
        model(BATCH[types.IMAGE], training=False)
        _set_kernels(model)
        optimizer = optimizers.make_optimizer(10, "sgd", 1e-3, warmup_steps=0)
        optimizers.build_optimizer(optimizer, model)
        loss = MaskConverLoss(semantic_weight=2.0, border_weight=3.0, quality=0.5)
    task = Panoptic(model=None, loss=loss, train_input=Input())
    step = TrainingStep(task, model, optimizer, strategy, **options)
    losses = [step.train(tf.constant(1)) for _ in range(2)]
    names = task.loss_names(model)
    assert "semantic_loss" in names
    return [losses[1][name] for name in names], [v.numpy() for v in model.trainable_variables]


def _set_kernels(model):
    """Draws all kernels and tables with NumPy, because a strategy draws others."""
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if variable.shape.rank > 1:
            scale = 1 / np.sqrt(np.prod(variable.shape[:-1]))
            variable.assign(generator.normal(scale=scale, size=variable.shape).astype(np.float32))


@pytest.fixture(scope="module")
def expected():
    return two_steps(tf.distribute.OneDeviceStrategy("CPU:0"))


@pytest.mark.parametrize(
    ("devices", "options"),
    [
        (2, {}),
        (1, {"accumulation_steps": 2}),
        (1, {"jit_compile": True}),
    ],
    ids=["two replicas", "two parts", "XLA"],
)
def test_a_step_is_the_same(expected, two_devices, devices, options):
    strategy = two_devices if devices == 2 else tf.distribute.OneDeviceStrategy("CPU:0")
    losses, weights = two_steps(strategy, **options)
    np.testing.assert_allclose(losses, expected[0], rtol=1e-3)
    for found, weight in zip(weights, expected[1], strict=True):
        np.testing.assert_allclose(found, weight, atol=2e-4)
