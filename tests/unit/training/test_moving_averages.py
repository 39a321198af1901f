"""Moving averages of weights and of batch statistics: warm-up, swap, replicas, XLA and resume."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.training.moving_averages import averaged_weights
from maskconver_tf.training.optimizers import build_optimizer, make_optimizer
from maskconver_tf.training.run_files.checkpoints import make_checkpoint_manager
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.tasks.task import Task
from tests.unit.training.two_weights import step, two_weights, values

OLD = {"ema_warmup": False, "ema_statistics": False}
"""The averages of runs from before these settings."""


@pytest.fixture
def model():
    return two_weights()


def averaging_sgd(model, decay=0.9, **settings):
    options = {"weight_decay": 0, "clip_norm": None, "momentum": 0, "ema_decay": decay}
    optimizer = make_optimizer(
        10**9, "sgd", learning_rate=1.0, warmup_steps=0, **options | settings
    )
    build_optimizer(optimizer, model)
    return optimizer


# ---- The decay -----------------------------------------------------------------------------------
def test_the_decay_warms_up_by_the_rule(model):
    optimizer, average, kernel = averaging_sgd(model, decay=0.3), 3.0, 3.0
    for t in range(6):  # 0.1, 2 / 11 and 0.25, then 0.3.
        step(optimizer, model, kernel=1)
        kernel -= 1
        decay = min(0.3, (1 + t) / (10 + t))
        average = decay * average + (1 - decay) * kernel
        with averaged_weights(optimizer, model):
            assert values(model)[0] == pytest.approx(average, rel=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.98, 0.9999975, 1.0])
def test_the_decay_ends_at_its_setting_without_loss_of_digits(model, decay):
    optimizer = averaging_sgd(model, decay)
    optimizer.iterations.assign(10**9)
    assert float(optimizer.ema_share()) == pytest.approx(max(1 - decay, 9e-9), rel=1e-6)


def test_without_the_warm_up_the_decay_is_constant_as_before(model):
    optimizer = averaging_sgd(model, **OLD)
    step(optimizer, model, kernel=1, gamma=2)  # 2, -1 from 3, 1.
    step(optimizer, model, kernel=1, gamma=2)  # 1, -3.
    with averaged_weights(optimizer, model):
        kernel = 0.9 * (0.9 * 3 + 0.1 * 2) + 0.1 * 1
        gamma = 0.9 * (0.9 * 1 + 0.1 * -1) + 0.1 * -3
        assert values(model) == pytest.approx([kernel, -5, gamma, 0])
        # Statistics have no average.
        model.non_trainable_variables[0].assign([7.0])
    assert values(model) == [1, -5, -3, 0]
    assert model.non_trainable_variables[0].numpy().item() == 7


# ---- The swap ------------------------------------------------------------------------------------
@pytest.mark.parametrize("settings", [{}, OLD])
def test_the_context_changes_no_bit_of_model_and_optimizer(model, settings):
    rng = np.random.default_rng(1)
    optimizer = averaging_sgd(model, **settings)
    for variable in model.variables:
        variable.assign(rng.normal(size=variable.shape).astype(np.float32))
    step(optimizer, model, kernel=0.3, bias=0.1)
    before = [w.numpy() for w in (*model.weights, *optimizer.variables)]
    for _ in range(2):
        with averaged_weights(optimizer, model):
            assert values(model) != [v.item() for v in before[:4]]
    after = [w.numpy() for w in (*model.weights, *optimizer.variables)]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_return_after_an_exception_too(model):
    optimizer = averaging_sgd(model, **OLD)
    step(optimizer, model, kernel=1)
    with pytest.raises(KeyboardInterrupt), averaged_weights(optimizer, model):
        assert values(model)[0] == pytest.approx(2.9)
        raise KeyboardInterrupt
    assert values(model) == [2, -5, 1, 0]


def test_weights_return_when_the_swap_itself_fails(model, monkeypatch):
    optimizer = averaging_sgd(model)

    def fail_half_way(variables):
        variables[0].assign([[99.0]])
        raise MemoryError

    monkeypatch.setattr(optimizer, "finalize_variable_values", fail_half_way)
    with pytest.raises(MemoryError), averaged_weights(optimizer, model):
        pass
    assert values(model) == [3, -5, 1, 0]


def test_without_an_average_the_weights_themselves_are_used(model):
    optimizer = averaging_sgd(model, decay=None)
    step(optimizer, model, kernel=1)
    with averaged_weights(optimizer, model):
        assert values(model) == [2, -5, 1, 0]
    assert values(model) == [2, -5, 1, 0]
    assert not optimizer.statistics_averages.values


# ---- Statistics of batch norms -------------------------------------------------------------------
class Input:
    batch_size = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fit(Task):
    """Fits a number. A batch has 8 examples."""

    def __post_init__(self):
        """Checks nothing: the parts of this task are stand-ins."""

    def batches(self, network):
        return lambda first_step, context: tf.data.Dataset.from_tensor_slices(
            {"image": numbers()[8 * first_step :], "label": numbers()[8 * first_step :]}
        ).batch(context.get_per_replica_batch_size(8), drop_remainder=True)

    def loss_names(self, network):
        return ("loss",)

    def loss_normalizer(self, batch):
        return tf.cast(tf.shape(batch["image"])[0], tf.float32)

    def counts(self, batch):
        return {}


def numbers() -> np.ndarray:
    return np.random.default_rng(3).normal(2.0, 3.0, [64, 1]).astype(np.float32)


def small_step(strategy=None, largest=np.inf, **settings) -> TrainingStep:
    """A batch norm of numbers: its statistics do not depend on weights, so NumPy knows them."""
    strategy = strategy or tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        norm = tf_keras.layers.BatchNormalization(
            momentum=0.9, synchronized=strategy.num_replicas_in_sync > 1
        )
        network = tf_keras.Sequential([tf_keras.layers.Input([1]), norm])
        settings_of_optimizer = {"warmup_steps": 0, "weight_decay": 0, "ema_decay": 0.4}
        optimizer = make_optimizer(10, "sgd", 0.01, **settings_of_optimizer)
        build_optimizer(optimizer, network)

    def loss(outputs, batch, total):
        size = total(tf.cast(tf.shape(batch["image"])[0], tf.float32))
        bad = tf.reduce_max(batch["image"]) > largest
        error = tf.reduce_sum(tf.abs(outputs - batch["label"])) / size
        return {"loss": tf.where(bad, np.nan, error)}

    task = Fit(model=None, loss=loss, train_input=Input())
    return TrainingStep(task, network, optimizer, strategy, **settings)


def expected_averages(num_steps: int, parts: int = 1, decay: float = 0.4) -> list[float]:
    """Means and variances of the batches, averaged as the weights are, in float64."""
    mean, variance = 0.0, 1.0
    for t in range(num_steps):
        batch = numbers()[8 * t : 8 * t + 8, 0].astype(np.float64)
        d = min(decay, (1 + t) / (10 + t))
        halves = np.split(batch, parts)
        shares = 0.9 ** np.arange(parts)[::-1] * 0.1 / (1 - 0.9**parts)
        mean = d * mean + (1 - d) * np.dot(shares, [half.mean() for half in halves])
        variance = d * variance + (1 - d) * np.dot(shares, [half.var() for half in halves])
    return [mean, variance]


def statistics(training_step: TrainingStep) -> list[float]:
    return [variable.numpy().item() for variable in training_step.model.non_trainable_variables]


def averaged_statistics(training_step: TrainingStep) -> list[float]:
    with averaged_weights(training_step.optimizer, training_step.model):
        return statistics(training_step)


@pytest.mark.parametrize(
    "settings",
    [{}, {"jit_compile": True}, {"accumulation_steps": 2}, {"max_skipped": 2}],
    ids=lambda settings: next(iter(settings), "plain"),
)
def test_statistics_are_averaged_as_weights_are(settings):
    training_step = small_step(**settings)
    training_step.train(tf.constant(5))
    expected = expected_averages(5, settings.get("accumulation_steps", 1))
    live = statistics(training_step)
    assert averaged_statistics(training_step) == pytest.approx(expected, rel=1e-4)
    assert statistics(training_step) == live
    assert live != pytest.approx(expected, rel=0.1)


def test_a_skipped_step_leaves_finite_averages():
    largest = float(np.sort(numbers()[8:16, 0])[-1]) - 0.01
    training_step = small_step(max_skipped=9, largest=largest)
    training_step.train(tf.constant(4))
    assert np.isfinite(averaged_statistics(training_step)).all()


def test_a_frozen_batch_norm_has_no_average(model):
    model.layers[1].trainable = False
    optimizer = averaging_sgd(model)
    assert not optimizer.statistics_averages.values


def test_a_resumed_run_equals_one_that_never_stopped(tmp_path):
    whole = small_step()
    whole.train(tf.constant(6))
    first = small_step()
    manager = make_checkpoint_manager(tmp_path, first.model, first.optimizer, 1, 1)
    first.train(tf.constant(3))
    manager.save()
    second = small_step()
    make_checkpoint_manager(tmp_path, second.model, second.optimizer, 1, 1)
    second.train(tf.constant(3))
    assert averaged_statistics(second) == averaged_statistics(whole)
    assert statistics(second) == statistics(whole)


def test_an_old_checkpoint_gives_its_statistics_to_the_averages(tmp_path):
    old = small_step()
    old.train(tf.constant(3))
    checkpoint = tf.train.Checkpoint(model=old.model, optimizer=old.optimizer)
    tf.train.CheckpointManager(checkpoint, str(tmp_path), 1).save(3)
    new = small_step()
    make_checkpoint_manager(tmp_path, new.model, new.optimizer, 1, 1)
    assert averaged_statistics(new) == statistics(new) == statistics(old)
    assert int(new.optimizer.iterations) == 3
