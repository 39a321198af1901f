"""Counts what a training step needs: the first table that `maskconver preflight` prints."""

from __future__ import annotations

import dataclasses
import math

import tensorflow as tf

from maskconver_tf.planning.complexity import count_complexity
from maskconver_tf.planning.preflight.kept_activations import kept_activations, num_bytes
from maskconver_tf.planning.preflight.step_program import StepProgram


@dataclasses.dataclass(frozen=True)
class TrainingNeeds:
    """Size, cost and memory of one configuration; all bytes are those of one replica.

    Attributes:
      num_classes: C.
      input_size: (height, width) in pixels.
      precision: name of the precision policy.
      batch_size: pictures per replica.
      parameters: number of weights of every kind.
      trainable_parameters: number of weights that the optimizer changes.
      multiply_adds: of inference on one picture, see `planning.complexity`.
      example_bytes: field -> bytes that each example takes from host to device.
      weight_bytes: of the model's variables.
      slot_bytes: of the optimizer's slots.
      average_bytes: of the moving average of the weights.
      gradient_bytes: of the gradients, one number per trained weight.
      activation_bytes: see `kept_activations`.
    """

    num_classes: int
    input_size: tuple[int, int]
    precision: str
    batch_size: int
    parameters: int
    trainable_parameters: int
    multiply_adds: int
    example_bytes: dict[str, int]
    weight_bytes: int
    slot_bytes: int
    average_bytes: int
    gradient_bytes: int
    activation_bytes: int


def count_needs(program: StepProgram, batch_size: int) -> TrainingNeeds:
    """Counts what a step needs for a batch of `batch_size`, without training."""
    model, optimizer = program.model, program.optimizer
    size = count_complexity(model, program.input_size)
    trained = _total(model.trainable_variables)
    average = trained if optimizer.use_ema else 0
    return TrainingNeeds(
        num_classes=model.num_classes,
        input_size=program.input_size,
        precision=program.precision,
        batch_size=batch_size,
        parameters=size.num_parameters,
        trainable_parameters=size.num_trainable_parameters,
        multiply_adds=size.multiply_adds,
        example_bytes={name: num_bytes(x) for name, x in program.example.items()},
        weight_bytes=_total(model.variables),
        slot_bytes=_total(optimizer.variables) - average,
        average_bytes=average + _total([*optimizer.statistics_averages.values.values()]),
        gradient_bytes=trained,
        activation_bytes=kept_activations(program.graph(batch_size), batch_size),
    )


def _total(variables: list[tf.Variable]) -> int:
    return sum(num_bytes(variable) for variable in variables)


def format_needs(needs: TrainingNeeds) -> str:
    """Formats the counts as a short table."""
    height, width = needs.input_size
    fields = ", ".join(
        f"{name} {_binary(count)}" for name, count in needs.example_bytes.items() if count > 1024
    )
    memory = {
        "weights": needs.weight_bytes,
        "optimizer: slots": needs.slot_bytes,
        "optimizer: moving average": needs.average_bytes,
        "gradients": needs.gradient_bytes,
        "activations (estimate)": needs.activation_bytes,
    }
    lines = [
        f"{height}x{width}, {needs.num_classes} classes, {needs.precision}, "
        f"{needs.batch_size} pictures per core",
        "",
        f"{'parameters':28}{needs.parameters:>14,}  ({needs.trainable_parameters:,} trained)",
        f"{'multiply-adds per picture':28}{needs.multiply_adds / 1e9:>12.2f} G  "
        "(inference, without the mask product)",
        f"{'host to device, per example':28}{_binary(sum(needs.example_bytes.values())):>14}  "
        f"({fields})",
        "",
        "memory of one core, in training",
        *(f"  {name:26}{_binary(count):>14}" for name, count in memory.items()),
        f"  {'sum':26}{_binary(sum(memory.values())):>14}",
        "",
        "The activations are all tensors that the traced forward pass makes and the backward pass",
        "reads. A compiler removes some, pads others and needs extra memory to compute. For the",
        "need that a TPU's compiler finds, give --tpu.",
    ]
    return "\n".join(lines)


def _binary(count: int) -> str:
    """Formats a number of bytes in a unit that leaves about three digits."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def batch_size_per_core(global_batch_size: int, num_cores: int) -> int:
    """Returns the number of pictures per core of a global batch, rounded up."""
    return math.ceil(global_batch_size / num_cores)
