"""Optimizers, and their learning rate schedule."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.models.variable_names import named_variables
from maskconver_tf.setting_checks import (
    check_choices,
    check_flags,
    check_numbers,
    check_whole_numbers,
    given,
)
from maskconver_tf.training.moving_averages import AveragingOptimizer, StatisticsAverages
from maskconver_tf.training.time_plan.run_progress import RunProgress, StretchedSchedule


def warmup_cosine(
    peak: float, total_steps: int, warmup_steps: int = 0, final_fraction: float = 0.0
) -> tf_keras.optimizers.schedules.LearningRateSchedule:
    """Makes a schedule that rises linearly from 0 to `peak`, then falls along half a cosine.

    Args:
      peak: highest learning rate.
      total_steps: length of the run, warm-up included.
      warmup_steps: length of the linear rise; 0 for none.
      final_fraction: learning rate at the end, as a fraction of `peak`.
    """
    return tf_keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else peak,
        decay_steps=max(total_steps - warmup_steps, 1),
        alpha=final_fraction,
        warmup_target=peak if warmup_steps else None,
        warmup_steps=warmup_steps,
    )


def make_optimizer(
    total_steps: int,
    name: Literal["adamw", "sgd"] = "adamw",
    learning_rate: float = 1e-3,
    warmup_steps: int = 500,
    final_fraction: float = 0.0,
    weight_decay: float = 0.05,
    l2: float = 0.0,
    clip_norm: float | None = 1.0,
    momentum: float = 0.9,
    ema_decay: float | None = None,
    batch_size: int | None = None,
    reference_batch: int | None = None,
    ema_warmup: bool = True,
    ema_statistics: bool = True,
    backbone_rate: float = 1.0,
    progress: RunProgress | None = None,
) -> tf_keras.optimizers.Optimizer:
    """Makes AdamW or SGD with momentum, with schedule, clipping and a moving average of weights.

    Args:
      total_steps: length of the run; `train` sets it.
      name: the optimizer, "adamw" or "sgd" with momentum.
      learning_rate: learning rate at the end of the warm-up.
      warmup_steps: number of first steps in which the learning rate rises linearly from 0.
      final_fraction: learning rate at the end, as a fraction of `learning_rate`.
      weight_decay: decoupled weight decay; the optimizer multiplies it by the learning rate. Only
        kernels decay, see `build_optimizer`.
      l2: only for SGD and for kernels. The gradient gets l2 times the weight, as if the loss
        contained l2 / 2 times the squared weight. Momentum therefore includes it.
      clip_norm: largest global norm of the gradient; None for no clipping.
      momentum: momentum of SGD: the share of the last update that the next one keeps.
      ema_decay: decay of the weights' moving average, which evaluation and export use. None for no
        average.
      batch_size: global batch size of one update; `train` sets it.
      reference_batch: batch size that `learning_rate` is meant for, see `scaled_learning_rate`.
        None to use `learning_rate` as it is.
      ema_warmup: lower the decay in the first steps, so that early averages do not hold the initial
        weights, see `AveragingOptimizer`.
      ema_statistics: average the statistics of batch norms, too, see `StatisticsAverages`.
      backbone_rate: factor of the learning rate for the weights of the backbone. Smaller ones, such
        as 0.1, keep pretrained weights. Weight decay, which follows the rate, falls as well.
      progress: of a run whose length is a time; `train` sets it. The schedule is stretched to the
        run, with a warm-up of at most a twentieth of it.

    Raises:
      UserError: a setting is not a number, or is out of range.
    """
    where = "make_optimizer"
    check_choices(where, ("adamw", "sgd"), name=name)
    shares = {"final_fraction": final_fraction, "momentum": momentum}
    check_numbers(where, 0, 1, **shares, **given(ema_decay=ema_decay))
    rates = {"learning_rate": learning_rate, "backbone_rate": backbone_rate}
    check_numbers(where, **rates, weight_decay=weight_decay, l2=l2, **given(clip_norm=clip_norm))
    check_whole_numbers(where, 0, warmup_steps=warmup_steps)
    check_whole_numbers(where, 1, **given(reference_batch=reference_batch))
    check_flags(where, ema_warmup=ema_warmup, ema_statistics=ema_statistics)
    _check_l2(name, l2)
    if batch_size and reference_batch:
        learning_rate = scaled_learning_rate(learning_rate, name, batch_size, reference_batch)
    total_steps = max(total_steps, 20 * warmup_steps) if progress else total_steps
    schedule = warmup_cosine(learning_rate, total_steps, warmup_steps, final_fraction)
    common = {
        "learning_rate": (
            StretchedSchedule(schedule, total_steps, progress) if progress else schedule
        ),
        "global_clipnorm": clip_norm,
        "use_ema": ema_decay is not None,
        "ema_momentum": ema_decay or 0.0,
        "ema_warmup": ema_warmup,
        "ema_statistics": ema_statistics,
        "backbone_rate": backbone_rate,
        "jit_compile": False,
    }
    if name == "adamw":
        return RunAdamW(weight_decay=weight_decay, **common)
    return SGDWithL2(l2, momentum=momentum, weight_decay=weight_decay or None, **common)


def _check_l2(name: str, l2: float) -> None:
    if l2 and name != "sgd":
        raise UserError(
            f"make_optimizer.l2 = {l2}: only SGD has this setting, found make_optimizer.name = "
            f"'{name}'. Set make_optimizer.weight_decay instead, or make_optimizer.name = 'sgd'"
        )


class SlowerBackbone(tf_keras.optimizers.Optimizer):
    """An optimizer whose learning rate is smaller, or larger, for the weights of the backbone.

    Everything that follows the learning rate follows the factor: the update, what momentum keeps of
    it, and weight decay.

    A base class beside one of Keras' optimizers, which it must precede.

    Args:
      backbone_rate: factor of the learning rate for the weights of the backbone.
      **kwargs: arguments of the other base class.
    """

    _factor = 1.0
    """For the weight that is updated now; 1 between two updates."""
    _backbone: frozenset = frozenset()

    def __init__(self, backbone_rate: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.backbone_rate = backbone_rate

    def set_backbone(self, variables: Iterable[tf.Variable]) -> None:
        """Says which weights are the backbone's."""
        self._backbone = frozenset(self._var_key(variable) for variable in variables)

    @property
    def learning_rate(self):
        rate = tf_keras.optimizers.Optimizer.learning_rate.fget(self)
        return rate if self._factor == 1 else rate * self._factor

    @learning_rate.setter
    def learning_rate(self, value):
        tf_keras.optimizers.Optimizer.learning_rate.fset(self, value)

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        with self._rate_of(variable):
            super().update_step(gradient, variable)

    def _apply_weight_decay(self, variables: Iterable[tf.Variable]) -> None:
        if self.backbone_rate == 1 or self.weight_decay is None:
            super()._apply_weight_decay(variables)
            return

        def decay_all(strategy: tf.distribute.Strategy, variables: Iterable[tf.Variable]) -> None:
            for variable in variables:
                strategy.extended.update(variable, self._decay, group=False)

        strategy = self._distribution_strategy
        tf.__internal__.distribute.interim.maybe_merge_call(decay_all, strategy, variables)

    def _decay(self, variable: tf.Variable) -> None:
        if self._use_weight_decay(variable):
            with self._rate_of(variable):
                rate = tf.cast(self.learning_rate, variable.dtype)
                variable.assign_sub(variable * self.weight_decay * rate)

    @contextlib.contextmanager
    def _rate_of(self, variable: tf.Variable) -> Iterator[None]:
        """Scales `learning_rate` for a weight, while its update is traced or computed."""
        is_scaled = self.backbone_rate != 1 and self._var_key(variable) in self._backbone
        self._factor = self.backbone_rate if is_scaled else 1.0
        try:
            yield
        finally:
            self._factor = 1.0

    def get_config(self):
        return super().get_config() | {"backbone_rate": self.backbone_rate}


class RunAdamW(SlowerBackbone, AveragingOptimizer, tf_keras.optimizers.AdamW):
    """AdamW with the moving averages and the backbone's rate of a run."""


class SGDWithL2(SlowerBackbone, AveragingOptimizer, tf_keras.optimizers.SGD):
    """SGD with an L2 term: the gradient of l2 / 2 times the squared weights.

    The term is added after clipping, so clipping sees only the gradient of the loss. Weight decay
    differs: it does not pass through the momentum. Momentum makes the effect of L2 about
    1 / (1 - momentum) times as large.

    Args:
      l2: factor of the term, for the weights that weight decay applies to.
      **kwargs: arguments of SGD.
    """

    def __init__(self, l2: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.l2 = l2

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        if self.l2 and self._use_weight_decay(variable):
            gradient = gradient + self.l2 * variable
        super().update_step(gradient, variable)

    def get_config(self):
        return super().get_config() | {"l2": self.l2}


def scaled_learning_rate(rate: float, name: str, batch_size: int, reference_batch: int) -> float:
    """Scales a learning rate to another global batch size.

    For SGD the rate grows in proportion to the batch, for AdamW with its square root. A k times
    larger batch lowers the variance of the gradient k times. The update of SGD is linear in the
    gradient, so k small steps equal about one k times larger step. AdamW divides by the root mean
    square of the gradient, which falls by the root of k if noise dominates. Sources: Goyal et al.,
    arXiv:1706.02677; Malladi et al., arXiv:2205.10287.
    """
    ratio = batch_size / reference_batch
    return rate * (ratio if name == "sgd" else ratio**0.5)


def build_optimizer(optimizer: tf_keras.optimizers.Optimizer, model: tf_keras.Model) -> None:
    """Makes the optimizer's slots for a built model, and limits weight decay to kernels.

    After this the optimizer can be restored from a checkpoint. It also gets its averages of batch
    norms' statistics, as `statistics_averages`, outside its own part of the checkpoint.
    """
    if isinstance(optimizer, SlowerBackbone):
        parts = named_variables(model)
        optimizer.set_backbone(v for name, v in parts.items() if name.startswith("backbone/"))
    has_statistics = optimizer.use_ema and getattr(optimizer, "ema_statistics", False)
    statistics = StatisticsAverages(model if has_statistics else None, optimizer)
    optimizer.statistics_averages = optimizer._no_dependency(statistics)
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if not is_kernel(v)]
    )
    optimizer.build(model.trainable_variables)


def is_kernel(variable: tf.Variable) -> bool:
    """Whether a variable is a kernel. Weight decay applies to no bias, norm, scale or table."""
    return variable.name.split("/")[-1].partition(":")[0].endswith("kernel")
