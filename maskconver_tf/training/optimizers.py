"""Optimizers and their schedule (method: Recipes)."""

from __future__ import annotations

import contextlib
import math
from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError


def warmup_cosine(
    peak: float, total_steps: int, warmup_steps: int = 0, final_fraction: float = 0.0
) -> tf_keras.optimizers.schedules.LearningRateSchedule:
    """Linear from 0 to `peak` over the warm-up, then half a cosine down.

    Args:
      peak: highest learning rate.
      total_steps: of the run, the warm-up included.
      warmup_steps: steps of the linear part; 0 for none.
      final_fraction: learning rate at the end over `peak`.
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
) -> tf_keras.optimizers.Optimizer:
    """AdamW or SGD with momentum, with warm-up cosine, clipping and a moving average of weights.

    Args:
      total_steps: of the run; set by `train`.
      name: "adamw" or "sgd".
      learning_rate: at the end of the warm-up.
      warmup_steps: see `warmup_cosine`.
      final_fraction: see `warmup_cosine`.
      weight_decay: decoupled, times the learning rate; on kernels only, see `prepare`.
      l2: of SGD, on kernels only: this times the weight joins the gradient, and so the momentum, as
        if l2 / 2 times the squared weight were part of the loss.
      clip_norm: bound of the gradient's global norm; None for none.
      momentum: of SGD.
      ema_decay: of the weights' moving average, which evaluation and export use; None for none.
      batch_size: global, of one update; set by `train`.
      reference_batch: the batch that `learning_rate` is meant for, see `scaled_rate`; None to take
        it as it is.

    Raises:
      UserError: a setting is no number, or out of its range.
    """
    _check_range(1.0, final_fraction=final_fraction, momentum=momentum, ema_decay=ema_decay)
    _check_range(learning_rate=learning_rate, warmup_steps=warmup_steps, clip_norm=clip_norm)
    _check_range(weight_decay=weight_decay, l2=l2, reference_batch=reference_batch)
    if batch_size and reference_batch:
        learning_rate = scaled_rate(learning_rate, name, batch_size, reference_batch)
    schedule = warmup_cosine(learning_rate, total_steps, warmup_steps, final_fraction)
    common = {
        "learning_rate": schedule,
        "weight_decay": weight_decay or None,
        "global_clipnorm": clip_norm,
        "use_ema": ema_decay is not None,
        "ema_momentum": ema_decay or 0.0,
        "jit_compile": False,
    }
    if l2 and name != "sgd":
        raise UserError(
            f"make_optimizer.l2 = {l2}: for SGD alone; {name} takes make_optimizer.weight_decay"
        )
    if name == "adamw":
        return tf_keras.optimizers.AdamW(**common | {"weight_decay": weight_decay})
    if name == "sgd":
        return SGDWithL2(l2, momentum=momentum, **common)
    raise UserError(f"make_optimizer.name = {name!r}: expected 'adamw' or 'sgd'")


def _check_range(most: float = math.inf, **settings: float | None) -> None:
    up_to = f"0 to {most:g}" if most < math.inf else "0 up"
    for name, value in settings.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 <= value <= most):
            raise UserError(f"make_optimizer.{name} = {value!r}: expected a number from {up_to}")


class SGDWithL2(tf_keras.optimizers.SGD):
    """SGD whose gradient holds that of l2 / 2 times the squared weights.

    Behind the clipping, which sees the loss alone. Weight decay is another thing: it goes past the
    momentum, which makes of L2 about 1 / (1 - momentum) times as much.

    Args:
      l2: of the weights that weight decay is for.
      **kwargs: of SGD.
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


def scaled_rate(rate: float, name: str, batch_size: int, reference_batch: int) -> float:
    """The learning rate for another global batch: linear for SGD, by the square root for AdamW.

    A k times larger batch lowers the gradient's variance k times. SGD's update is linear in the
    gradient, and k small steps make about one k times larger; AdamW divides by the gradient's root
    mean square, which where noise rules falls by the root of k. Sources: Goyal et al.,
    arXiv:1706.02677; Malladi et al., arXiv:2205.10287.
    """
    ratio = batch_size / reference_batch
    return rate * (ratio if name == "sgd" else ratio**0.5)


def prepare(optimizer: tf_keras.optimizers.Optimizer, model: tf_keras.Model) -> None:
    """Makes the optimizer's slots for a built model, ready for a checkpoint."""
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if not is_kernel(v)]
    )
    optimizer.build(model.trainable_variables)


def is_kernel(variable: tf.Variable) -> bool:
    """Whether weight decay applies: to kernels, not to a bias, norm, scale or table."""
    return variable.name.split("/")[-1].partition(":")[0].endswith("kernel")


@contextlib.contextmanager
def averaged_weights(optimizer: tf_keras.optimizers.Optimizer, model: tf_keras.Model):
    """Within it the model holds the moving averages of its weights, if the optimizer keeps them."""
    if not optimizer.use_ema:
        yield
        return
    weights = [variable.numpy() for variable in model.trainable_variables]
    try:
        optimizer.finalize_variable_values(model.trainable_variables)
        yield
    finally:
        for variable, weight in zip(model.trainable_variables, weights):
            variable.assign(weight)
