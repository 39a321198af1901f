"""Optimizers, their learning rate schedule, and the moving average of weights."""

from __future__ import annotations

import contextlib
from typing import Literal

import tensorflow as tf
import tf_keras

from maskconver_tf.errors import UserError
from maskconver_tf.setting_checks import check_choices, check_numbers, check_whole_numbers, given


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
) -> tf_keras.optimizers.Optimizer:
    """Makes AdamW or SGD with momentum, with schedule, clipping and a moving average of weights.

    Args:
      total_steps: length of the run; `train` sets it.
      name: "adamw" or "sgd".
      learning_rate: learning rate at the end of the warm-up.
      warmup_steps: see `warmup_cosine`.
      final_fraction: see `warmup_cosine`.
      weight_decay: decoupled weight decay; the optimizer multiplies it by the learning rate. Only
        kernels decay, see `build_optimizer`.
      l2: only for SGD and for kernels. The gradient gets l2 times the weight, as if the loss
        contained l2 / 2 times the squared weight. Momentum therefore includes it.
      clip_norm: largest global norm of the gradient; None for no clipping.
      momentum: momentum of SGD.
      ema_decay: decay of the weights' moving average, which evaluation and export use. None for no
        average.
      batch_size: global batch size of one update; `train` sets it.
      reference_batch: batch size that `learning_rate` is meant for, see `scaled_learning_rate`.
        None to use `learning_rate` as it is.

    Raises:
      UserError: a setting is not a number, or is out of range.
    """
    where = "make_optimizer"
    check_choices(where, ("adamw", "sgd"), name=name)
    shares = {"final_fraction": final_fraction, "momentum": momentum}
    check_numbers(where, 0, 1, **shares, **given(ema_decay=ema_decay))
    check_numbers(where, learning_rate=learning_rate, weight_decay=weight_decay, l2=l2)
    check_numbers(where, **given(clip_norm=clip_norm))
    check_whole_numbers(where, 0, warmup_steps=warmup_steps)
    check_whole_numbers(where, 1, **given(reference_batch=reference_batch))
    if batch_size and reference_batch:
        learning_rate = scaled_learning_rate(learning_rate, name, batch_size, reference_batch)
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
            f"make_optimizer.l2 = {l2}: only SGD has this setting, found make_optimizer.name = "
            f"'{name}'. Set make_optimizer.weight_decay instead, or make_optimizer.name = 'sgd'"
        )
    if name == "adamw":
        return tf_keras.optimizers.AdamW(**common | {"weight_decay": weight_decay})
    return SGDWithL2(l2, momentum=momentum, **common)


class SGDWithL2(tf_keras.optimizers.SGD):
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

    After this the optimizer can be restored from a checkpoint.
    """
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if not is_kernel(v)]
    )
    optimizer.build(model.trainable_variables)


def is_kernel(variable: tf.Variable) -> bool:
    """Whether a variable is a kernel. Weight decay applies to no bias, norm, scale or table."""
    return variable.name.split("/")[-1].partition(":")[0].endswith("kernel")


@contextlib.contextmanager
def averaged_weights(optimizer: tf_keras.optimizers.Optimizer, model: tf_keras.Model):
    """Gives the model the moving averages of its weights in this context, if there are any."""
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
