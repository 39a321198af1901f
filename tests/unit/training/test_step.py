"""The loop of steps, with the smallest possible task."""

from __future__ import annotations

import dataclasses
import time

import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.training import optimizers
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.tasks.task import Task


class Input:
    batch_size = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fit(Task):
    """Learns to double a number. Each example takes `seconds` to arrive."""

    count_names = ("seen",)

    seconds: float

    def __post_init__(self):
        """Checks nothing: neither this loss nor this input is of a kind that Gin files name."""

    def batches(self, network):
        def wait(number):
            time.sleep(self.seconds)
            return number

        def example(number):
            if self.seconds:
                number = tf.numpy_function(wait, [number], tf.int64)
            value = tf.reshape(tf.cast(number, tf.float32), [1])
            return {"image": value, "label": 2.0 * value}

        return lambda first_step, context: (
            tf.data.Dataset.range(4 * first_step, 1000).map(example).batch(4, drop_remainder=True)
        )

    def loss_names(self, network):
        return ("loss", "error_loss")

    def loss_normalizer(self, batch):
        return tf.cast(tf.shape(batch["image"])[0], tf.float32)

    def counts(self, batch):
        return {"seen": tf.shape(batch["image"])[0]}


def error(outputs, batch, sum_over_replicas):
    total = sum_over_replicas(tf.cast(tf.shape(batch["image"])[0], tf.float32))
    loss = tf.reduce_sum(tf.abs(outputs - batch["label"])) / total
    return {"loss": 2.0 * loss, "error_loss": loss}


def make_step(seconds: float, compute: int = 1) -> TrainingStep:
    """Makes a step of a model that computes `compute` large matrix products."""
    model = tf_keras.Sequential([tf_keras.layers.Input([1]), tf_keras.layers.Dense(1)])

    def loss(outputs, batch, total):
        heavy = tf.ones([500, 500])
        for _ in range(compute):
            heavy = tf.linalg.matmul(heavy, heavy * 1e-3 + outputs[0] * 0.0)
        return error(outputs + 0.0 * heavy[:1, :1], batch, total)

    optimizer = optimizers.make_optimizer(10, "sgd", 1e-6, warmup_steps=0)
    optimizers.build_optimizer(optimizer, model)
    task = Fit(model=None, loss=loss, train_input=Input(), seconds=seconds)
    return TrainingStep(task, model, optimizer, tf.distribute.OneDeviceStrategy("CPU:0"))


def test_the_report_separates_waiting_for_data_from_computing():
    waits, works = (
        # The input reads ahead while the first loop is traced, so the second loop is measured.
        [step.train(tf.constant(4)) for _ in range(2)][1]
        for step in (make_step(0.1, compute=0), make_step(0.0, compute=10))
    )
    assert waits["input_bound_share"] > 0.6
    assert works["input_bound_share"] < 0.4
    assert 1.0 < waits["examples_per_second"] < 15.0


def test_the_report_has_means_over_the_loop_of_all_losses_and_counts():
    step = make_step(0.0)
    step.model.layers[0].kernel.assign([[1.0]])
    report = step.train(tf.constant(3))
    # |x - 2x| of 0..11, nearly: the weights hardly move.
    assert report["error_loss"] == pytest.approx(5.5, rel=1e-3)
    assert report["loss"] == pytest.approx(11.0, rel=1e-3)
    assert report["seen"] == 4.0
    assert report["gradient_norm"] > 0.0


@pytest.mark.parametrize("parts", [1, 2])
def test_losses_know_the_number_of_the_step_after_a_restart_too(parts):
    def loss_of_step(outputs, batch, sum_over_replicas):
        step = tf.cast(batch["step"], tf.float32) / parts
        return {"loss": tf.reduce_sum(outputs) * 0.0 + step, "error_loss": step}

    made = make_step(0.0)
    task = dataclasses.replace(made.task, loss=loss_of_step)
    for first in (0, 3):  # A restart restores the number of steps.
        step = TrainingStep(
            task, made.model, made.optimizer, made.strategy, accumulation_steps=parts
        )
        assert step.steps_done == first
        assert [step.train(tf.constant(1))["error_loss"] for _ in range(3)] == [
            first,
            first + 1,
            first + 2,
        ]
