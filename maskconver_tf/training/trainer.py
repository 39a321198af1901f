"""The training step, in an Orbit loop."""

from __future__ import annotations

from collections.abc import Callable

import orbit
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.errors import UserError

LOSS_NAMES = ("loss", "center_heatmap_loss", "mask_bce_loss", "mask_dice_loss")


class Trainer(orbit.StandardTrainer):
    """Steps the model through batches and reports mean losses per loop.

    Replicas compute shares of the global loss, so that gradients are summed, not averaged.

    Args:
      model: built.
      loss: a `MaskConverLoss`.
      optimizer: built for the model.
      make_batches: first step -> distributed dataset; called when training starts, so that a
        restored step counter decides where the data goes on.
      strategy: where the step runs.
      jit_compile: compile the step with XLA.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        loss: Callable,
        optimizer: tf_keras.optimizers.Optimizer,
        make_batches: Callable[[int], tf.data.Dataset],
        strategy: tf.distribute.Strategy,
        jit_compile: bool = False,
    ):
        super().__init__(train_dataset=None)
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.strategy = strategy
        self._make_batches = make_batches
        # Nothing in a step needs AutoGraph, which would take half the time of tracing.
        step = tf.autograph.experimental.do_not_convert(self.replica_step)
        self._replica_step = tf.function(step, jit_compile=jit_compile or None)
        with strategy.scope():
            self._sums = tf.Variable(tf.zeros([len(LOSS_NAMES)]), trainable=False)
            self._dropped = tf.Variable(0, trainable=False)
            self._bad_step = tf.Variable(-1, dtype=tf.int64, trainable=False)
        self._first_step = 0

    @property
    def step(self) -> int:
        """Steps done since the run began."""
        return int(self.optimizer.iterations.numpy())

    def replica_step(self, batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """One update; returns this replica's share of the losses and its dropped segments."""
        with tf.GradientTape() as tape:
            outputs = self.model(batch[types.IMAGE], centers=batch, training=True)
            losses = self.loss(outputs, batch, sum_over_replicas)
        gradients = tape.gradient(losses["loss"], self.model.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables))
        return (
            tf.stack([losses[name] for name in LOSS_NAMES]),
            tf.reduce_sum(batch[types.NUM_DROPPED]),
        )

    def train_step(self, iterator) -> None:
        step = self.optimizer.iterations + 0
        shares, dropped = self.strategy.run(self._replica_step, args=(next(iterator),))
        losses = self.strategy.reduce(tf.distribute.ReduceOp.SUM, shares, axis=None)
        self._sums.assign_add(losses)
        self._dropped.assign_add(
            self.strategy.reduce(tf.distribute.ReduceOp.SUM, dropped, axis=None)
        )
        is_first_bad = (self._bad_step < 0) & ~tf.reduce_all(tf.math.is_finite(losses))
        self._bad_step.assign(tf.where(is_first_bad, step, self._bad_step))

    def train_loop_begin(self) -> None:
        if self.train_dataset is None:
            self.train_dataset = self._make_batches(self.step)
        self._sums.assign(tf.zeros_like(self._sums))
        self._dropped.assign(0)
        self._first_step = self.step

    def train_loop_end(self) -> dict[str, tf.Tensor]:
        """Mean losses of the loop; stops the run when one was not finite."""
        self._check_finite()
        num_steps = self.step - self._first_step
        means = dict(zip(LOSS_NAMES, self._sums.numpy() / num_steps))
        return means | {
            "learning_rate": self.optimizer.learning_rate,
            "dropped_segments_per_step": int(self._dropped.numpy()) / num_steps,
        }

    def _check_finite(self) -> None:
        if (step := int(self._bad_step.numpy())) >= 0:
            raise UserError(
                f"the loss was not finite at step {step}; nothing was saved since the last "
                "checkpoint. Lower make_optimizer.learning_rate, lengthen warmup_steps or set "
                "clip_norm, and start again: the run goes on from that checkpoint"
            )


def sum_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """Sum of a tensor over all replicas, inside a replica."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
