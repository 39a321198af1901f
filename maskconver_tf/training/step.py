"""One training step on all replicas, and the means of a loop of steps."""

from __future__ import annotations

import time
from collections.abc import Callable

import orbit
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.training.machines.strategy import distribute
from maskconver_tf.training.tasks.task import Task


class TrainingStep(orbit.StandardTrainer):
    """Takes the model through batches, one step each, and reports mean losses of each loop.

    Each replica computes its share of the global loss. Replicas therefore add their gradients and
    do not average them.

    Make it outside the strategy's scope: its counters live on the host. Each step returns one small
    metrics vector. Because the host times steps, it waits for each to finish.

    Args:
      task: what is trained.
      model: built.
      optimizer: built for the model.
      strategy: where the step runs.
      jit_compile: compile the step with XLA.
      accumulation_steps: number of parts into which a replica divides its share of a batch. It
        computes them one after the other. The gradients of the parts add up to those of the whole
        share. Only the statistics of batch norms differ.
      max_skipped: skip at most this many steps whose loss or gradient is not finite; then stop.

    Attributes:
      on_not_finite: called with the step and the names of the bad loss terms; returns a sentence
        about the batch for the error message, or an empty text.
    """

    def __init__(
        self,
        task: Task,
        model: tf_keras.Model,
        optimizer: tf_keras.optimizers.Optimizer,
        strategy: tf.distribute.Strategy,
        jit_compile: bool = False,
        accumulation_steps: int = 1,
        max_skipped: int = 0,
    ):
        super().__init__(train_dataset=None)
        self.task = task
        self.model = model
        self.optimizer = optimizer
        self.strategy = strategy
        self.jit_compile = jit_compile
        self.on_not_finite: Callable[[int, list[str]], str] = lambda step, terms: ""
        self._averages = optimizer.statistics_averages
        self._accumulation_steps = accumulation_steps
        self._max_skipped = max_skipped
        self._make_batches = task.batches(model)
        self._loss_names = task.loss_names(model)
        self._names = (*self._loss_names, "gradient_norm", *task.count_names)
        self._replica_step = _compiled(self.replica_step, jit_compile)
        self._compute = _compiled(self._gradients_or_skip, jit_compile)
        self._apply = _compiled(self._update, jit_compile)
        self._now = _clock()
        self._host = _host_of(optimizer.iterations)
        with tf.device(self._host):
            self._sums = tf.Variable(tf.zeros([len(self._names)]), trainable=False)
            self._begun = tf.Variable(0.0, dtype=tf.float64, trainable=False)
            self._waited = tf.Variable(0.0, dtype=tf.float64, trainable=False)
            self._skipped = tf.Variable(0, trainable=False)
            self._bad_step = tf.Variable(-1, dtype=tf.int64, trainable=False)
            self._bad_terms = tf.Variable(tf.zeros([len(self._names)]), trainable=False)
        self._first_step = 0
        self._first_skipped = 0

    @property
    def steps_done(self) -> int:
        """Steps since the run began."""
        return int(self.optimizer.iterations.numpy())

    # ---- One step of one replica -----------------------------------------------------------------
    def replica_step(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """Updates the model once; returns this replica's share of `_names`, a vector."""
        with self._averages.follow_step(self._accumulation_steps):
            gradients, values = self._gradients(batch)
        self._update(gradients)
        return values

    def _gradients(self, batch: dict[str, tf.Tensor]) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Returns gradients summed over replicas, and the vector of `replica_step`."""
        if self._accumulation_steps == 1:
            gradients, losses = self._gradients_of(batch, sum_over_replicas)
        else:
            gradients, losses = self._accumulated(batch)
        gradients = sum_over_replicas(gradients)
        norm = tf.linalg.global_norm(gradients) / self.strategy.num_replicas_in_sync
        counts = self.task.counts(batch)
        others = [norm, *(tf.cast(counts[name], tf.float32) for name in self.task.count_names)]
        return gradients, tf.concat([losses, tf.stack(others)], 0)

    def _gradients_of(
        self, batch: dict[str, tf.Tensor], total: Callable
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Returns this replica's share of gradients and losses."""
        variables = self.model.trainable_variables
        batch = batch | {types.STEP: self.optimizer.iterations + 0}  # The value, and no variable.
        with tf.GradientTape() as tape:
            losses = self.task.losses(self.model, batch, total)
        gradients = tape.gradient(losses["loss"], variables, unconnected_gradients="zero")
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        return gradients, tf.stack([losses[name] for name in self._loss_names])

    def _accumulated(self, batch: dict[str, tf.Tensor]) -> tuple[list[tf.Tensor], tf.Tensor]:
        """As `_gradients_of`, part by part. Each part divides by the whole batch's normalizer."""
        count = self._accumulation_steps
        total = sum_over_replicas(self.task.loss_normalizer(batch))
        parts = {
            name: tf.reshape(value, [count, value.shape[0] // count, *value.shape[1:]])
            for name, value in batch.items()
        }

        def add(index: tf.Tensor, gradients: list[tf.Tensor], losses: tf.Tensor):
            part = {name: value[index] for name, value in parts.items()}
            more, part_losses = self._gradients_of(part, lambda _: total)
            return index + 1, [a + b for a, b in zip(gradients, more)], losses + part_losses

        zeros = [tf.zeros(variable.shape) for variable in self.model.trainable_variables]
        start = (tf.constant(0), zeros, tf.zeros([len(self._loss_names)]))
        # One part runs after the other, so that only one part's activations are in memory.
        _, gradients, losses = tf.while_loop(
            lambda index, *_: index < count, add, start, parallel_iterations=1
        )
        return gradients, losses

    def _gradients_or_skip(self, batch: dict[str, tf.Tensor]) -> tuple[list[tf.Tensor], tf.Tensor]:
        """As `_gradients`; batch norms keep old statistics where the new ones are not finite."""
        statistics = [v for v in self.model.non_trainable_variables if "/moving_" in v.name]
        before = [tf.identity(variable) for variable in statistics]
        with self._averages.follow_step(self._accumulation_steps):
            result = self._gradients(batch)
            with tf.control_dependencies(result[0]):
                for variable, old in zip(statistics, before):
                    new = tf.identity(variable)
                    variable.assign(tf.where(tf.math.is_finite(new), new, old))
        return result

    def _update(self, gradients: list[tf.Tensor]) -> None:
        self.optimizer.apply_gradients(
            zip(gradients, self.model.trainable_variables), skip_gradients_aggregation=True
        )

    # ---- One step of all -------------------------------------------------------------------------
    def train_step(self, iterator) -> None:
        step = self.optimizer.iterations + 0
        begun = self._now()
        with tf.control_dependencies([begun]):
            batch = next(iterator)
        with tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)):
            self._waited.assign_add(self._now() - begun)
        self._begun.assign(tf.where(self._begun > 0, self._begun, begun))
        if self._max_skipped:
            gradients, shares = self.strategy.run(self._compute, args=(batch,))
        else:
            shares = self.strategy.run(self._replica_step, args=(batch,))
        values = self.strategy.reduce(tf.distribute.ReduceOp.SUM, shares, axis=None)
        # The values arrive when the step is over, and the clock is read then.
        with tf.device(self._host):
            values = tf.identity(values)
        finite = tf.math.is_finite(values)
        if self._max_skipped:
            self._update_if(tf.reduce_all(finite), gradients)
            values = tf.where(tf.reduce_all(finite), values, tf.zeros_like(values))
        self._sums.assign_add(values)
        self._note_if_bad(step, finite)

    def _note_if_bad(self, step: tf.Tensor, finite: tf.Tensor) -> None:
        bad = ~tf.reduce_all(finite)
        self._skipped.assign_add(tf.cast(bad, tf.int32))
        is_first = (self._bad_step < 0) & bad & (self._skipped > self._max_skipped)
        self._bad_step.assign(tf.where(is_first, step, self._bad_step))
        self._bad_terms.assign(tf.where(is_first, tf.cast(~finite, tf.float32), self._bad_terms))

    def _update_if(self, is_finite: tf.Tensor, gradients: list) -> None:
        def update() -> tf.Tensor:
            self.strategy.run(self._apply, args=(gradients,))
            return tf.constant(0)

        def skip() -> tf.Tensor:
            self.optimizer.iterations.assign_add(1)  # The next step takes the next batch.
            return tf.constant(0)

        tf.cond(is_finite, update, skip)

    # ---- A loop of steps -------------------------------------------------------------------------
    def train_loop_begin(self) -> None:
        if self.train_dataset is None:
            # A checkpoint has been restored by now. Its step says where the data goes on.
            first_step = self.steps_done
            self.train_dataset = distribute(
                lambda context: self._make_batches(first_step, context), self.strategy
            )
        self._sums.assign(tf.zeros_like(self._sums))
        self._begun.assign(0.0)  # The first step sets it, so that tracing does not count.
        self._waited.assign(0.0)
        self._first_step = self.steps_done
        self._first_skipped = int(self._skipped.numpy())

    def train_loop_end(self) -> dict[str, float]:
        """Returns the loop's means and speed. Stops the run if a step was not finite."""
        sums, seconds = self._sums.numpy(), time.time() - self._begun.numpy()
        self._check_finite()
        num_steps = self.steps_done - self._first_step
        skipped = int(self._skipped.numpy())
        num_counted = max(num_steps - (skipped - self._first_skipped), 1)
        report = dict(zip(self._names, sums / num_counted))
        report |= {
            "learning_rate": float(self.optimizer.learning_rate.numpy()),
            "examples_per_second": num_steps * self.task.train_input.batch_size / seconds,
            "input_bound_share": self._waited.numpy() / seconds,
        }
        return report | ({"skipped_steps": skipped} if self._max_skipped else {})

    def _check_finite(self) -> None:
        if (step := int(self._bad_step.numpy())) < 0:
            return
        bad = [name for name, is_bad in zip(self._names, self._bad_terms.numpy()) if is_bad]
        # A bad level makes its term bad, and a bad term the sum and the gradient. Name the term.
        terms = [n for n in bad if n not in ("loss", "gradient_norm") and "/" not in n] or bad[:1]
        skipped = f" after {self._max_skipped} skipped steps" if self._max_skipped else ""
        batch = self.on_not_finite(step, terms)
        raise UserError(
            f"the loss or gradient is not finite at step {step}{skipped}: {', '.join(terms)}. "
            f"{batch}Nothing was saved since the last checkpoint. Lower "
            "make_optimizer.learning_rate, lengthen warmup_steps, set clip_norm or "
            "train.max_skipped, and start again; the run goes on from that checkpoint"
        )


def _host_of(variable: tf.Variable) -> tf.DeviceSpec:
    """Returns the CPU of the machine whose device holds a variable."""
    device = tf.DeviceSpec.from_string(variable.device)
    return device.replace(device_type="CPU", device_index=0)


def _clock() -> Callable[[], tf.Tensor]:
    """Returns a function for the host's time within a step, in seconds.

    TensorFlow's own clock raises an error where operations must be deterministic.
    """
    try:
        tf.timestamp()
    except tf.errors.FailedPreconditionError:
        return lambda: tf.ensure_shape(tf.numpy_function(time.time, [], tf.float64), [])
    return tf.timestamp


def _compiled(step: Callable, jit_compile: bool) -> Callable:
    # A step does not need AutoGraph, which would take half the time of tracing.
    step = tf.autograph.experimental.do_not_convert(step)
    return tf.function(step, jit_compile=jit_compile or None)


def sum_over_replicas(value):
    """Sums a tensor, or each tensor of a list, over all replicas. Call it inside a replica."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
