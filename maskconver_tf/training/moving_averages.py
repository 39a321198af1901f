"""Moving averages of weights and of batch norms' statistics, which evaluation and export use."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import tensorflow as tf
import tf_keras

from maskconver_tf.layers.norm import batch_norms
from maskconver_tf.models.variable_names import named_variables


class AveragingOptimizer(tf_keras.optimizers.Optimizer):
    """An optimizer whose moving average of the weights can warm up.

    After t updates the average moves by the share `1 - min(d, (1 + t) / (10 + t))` towards the
    weights. With a constant decay d the average would hold the initial weights with the share
    `d**t`: 82 % after 2000 steps at d = 0.9999. With the warm-up it holds about the last ninth of
    the updates so far, until (1 + t) / (10 + t) exceeds d. This is TensorFlow's rule for
    `tf.train.ExponentialMovingAverage` with `num_updates`.

    A base class beside one of Keras' optimizers, which it must precede.

    Args:
      ema_warmup: whether the average warms up. If False, d holds from the first step.
      ema_statistics: whether `StatisticsAverages` averages the batch norms' statistics, too.
      **kwargs: arguments of the other base class; `ema_momentum` is d.
    """

    def __init__(self, ema_warmup: bool = False, ema_statistics: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.ema_warmup = ema_warmup
        self.ema_statistics = ema_statistics

    def ema_share(self) -> tf.Tensor:
        """Returns the share by which this update moves the averages. It is the same for all."""
        share = tf.constant(1.0 - self.ema_momentum)  # Float32 would round 1 - d coarsely.
        if not self.ema_warmup:
            return share
        return tf.maximum(share, 9.0 / (10.0 + tf.cast(self.iterations, tf.float32)))

    def _update_model_variables_moving_average(self, var_list):
        if not (self.use_ema and self.ema_warmup):
            super()._update_model_variables_moving_average(var_list)
            return
        share = self.ema_share()

        def move(average: tf.Variable, variable: tf.Variable) -> None:
            average.assign_add((variable - average) * tf.cast(share, average.dtype))

        for variable in var_list:
            average = self._model_variables_moving_average[
                self._index_dict[self._var_key(variable)]
            ]
            self._distribution_strategy.extended.update(
                average, move, args=(variable,), group=False
            )

    def get_config(self):
        own = {"ema_warmup": self.ema_warmup, "ema_statistics": self.ema_statistics}
        return super().get_config() | own


class StatisticsAverages:
    """Averages of the statistics that batch norms took of each batch, for the averaged weights.

    A batch norm keeps a moving average M of its own, for the weights of the moment. Averaged
    weights lag behind, and M starts from 0 and 1: with momentum 0.99 it holds 37 % of them after
    100 steps. These averages use the same share per step as the weights. The statistics b of one
    step follow from M before and after it: `M' = m M + (1 - m) b`, m being the momentum to the
    power of `updates_per_step`.

    On several replicas each has its own values, as batch norms have, and a checkpoint the mean.

    Args:
      model: built. Frozen batch norms are left out: their statistics do not move. None to average
        nothing.
      optimizer: gives the share.

    Attributes:
      values: name of a statistic in the model -> its average. A checkpoint needs them.
    """

    def __init__(
        self, model: tf_keras.Model | None, optimizer: tf_keras.optimizers.Optimizer
    ) -> None:
        self._optimizer = optimizer
        self._followed = _followed_statistics(model) if model else {}
        self.values = {name: _copy(one.variable) for name, one in self._followed.items()}

    @contextlib.contextmanager
    def follow_step(self, updates_per_step: int) -> Iterator[None]:
        """Moves the averages at the end of the context. Call it inside a replica.

        Args:
          updates_per_step: how often each batch norm updates its statistics in the context.
        """
        before = {name: tf.identity(one.variable) for name, one in self._followed.items()}
        yield
        if not self.values:
            return
        share = self._optimizer.ema_share()
        for name, average in self.values.items():
            of_step = self._followed[name].of_step(before[name], updates_per_step)
            average.assign_add((of_step - average) * share)

    def start_from_model(self) -> None:
        """Sets the averages to the statistics of the model, after a restore without averages."""
        for name, average in self.values.items():
            _assign(average, _read(self._followed[name].variable))

    @contextlib.contextmanager
    def in_model(self) -> Iterator[None]:
        """Gives the model's batch norms the averages in this context."""
        kept = {name: _read(one.variable) for name, one in self._followed.items()}
        try:
            for name, average in self.values.items():
                _assign(self._followed[name].variable, _read(average))
            yield
        finally:
            for name, values in kept.items():
                _assign(self._followed[name].variable, values)


@dataclasses.dataclass(frozen=True)
class _Statistic:
    """A moving statistic of a batch norm, with the momentum of its updates."""

    variable: tf.Variable
    momentum: float
    is_variance: bool

    def of_step(self, before: tf.Tensor, num_updates: int) -> tf.Tensor:
        """Returns the statistic that moved the variable `num_updates` times since `before`."""
        value = before + (self.variable - before) / (1.0 - self.momentum**num_updates)
        return tf.maximum(value, 0.0) if self.is_variance else value


def _followed_statistics(model: tf_keras.Model) -> dict[str, _Statistic]:
    names = {id(variable): name for name, variable in named_variables(model).items()}
    found = {}
    for norm in batch_norms(model):
        if norm.trainable and norm.momentum < 1:
            for variable in (norm.moving_mean, norm.moving_variance):
                is_variance = variable is norm.moving_variance
                found[names[id(variable)]] = _Statistic(variable, norm.momentum, is_variance)
    return found


def _copy(statistic: tf.Variable) -> tf.Variable:
    """Makes a variable that replicas update by themselves, as they do batch statistics."""
    return tf.Variable(
        _read(statistic)[0],
        trainable=False,
        name=f"average/{statistic.name.partition(':')[0]}",
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.MEAN,
    )


def _read(variable: tf.Variable) -> list:
    """Returns the values of this worker's replicas. Reading the mean would be a collective."""
    return [component.numpy() for component in _components(variable)]


def _assign(variable: tf.Variable, values: list) -> None:
    for component, value in zip(_components(variable), values, strict=True):
        component.assign(value)


def _components(variable: tf.Variable) -> tuple[tf.Variable, ...]:
    return getattr(variable, "values", None) or (variable,)


@contextlib.contextmanager
def averaged_weights(
    optimizer: tf_keras.optimizers.Optimizer, model: tf_keras.Model
) -> Iterator[None]:
    """Gives the model the moving averages of its weights in this context, if there are any.

    Batch norms get the averages of their statistics, if the optimizer keeps them.
    """
    if not optimizer.use_ema:
        yield
        return
    weights = [variable.numpy() for variable in model.trainable_variables]
    try:
        with optimizer.statistics_averages.in_model():
            optimizer.finalize_variable_values(model.trainable_variables)
            yield
    finally:
        for variable, weight in zip(model.trainable_variables, weights):
            variable.assign(weight)
