"""What a run will need, known before a machine is rented: what `maskconver preflight` prints."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import tensorflow as tf

from maskconver_tf.planning.complexity import complexity
from maskconver_tf.planning.preflight import tpu_check
from maskconver_tf.planning.preflight.kept_activations import kept_activations, num_bytes
from maskconver_tf.planning.preflight.step_program import StepProgram
from maskconver_tf.planning.preflight.tpu_check import GIB, Fit


@dataclasses.dataclass(frozen=True)
class Preflight:
    """Counts of one configuration; bytes are those of one replica.

    Attributes:
      num_classes: C.
      input_size: (height, width) in pixels.
      precision: the policy.
      batch_size: pictures per replica.
      parameters: weights of every kind.
      trainable_parameters: those that the optimizer changes.
      multiply_adds: of inference on one picture, see `models.complexity`.
      example_bytes: field -> bytes per example from host to device.
      weight_bytes: of the model's variables.
      slot_bytes: of the optimizer's slots.
      average_bytes: of the moving average of the weights.
      gradient_bytes: one number per trained weight.
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


def count(program: StepProgram, batch_size: int) -> Preflight:
    """Counts what a step needs; nothing is trained."""
    model, optimizer = program.model, program.optimizer
    size = complexity(model, program.input_size)
    trained = _total(model.trainable_variables)
    average = trained if optimizer.use_ema else 0
    return Preflight(
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
        average_bytes=average,
        gradient_bytes=trained,
        activation_bytes=kept_activations(program.graph(batch_size), batch_size),
    )


def _total(variables: list[tf.Variable]) -> int:
    return sum(num_bytes(variable) for variable in variables)


def format_counts(found: Preflight) -> str:
    """The counts as a short table."""
    height, width = found.input_size
    fields = ", ".join(
        f"{name} {_binary(count)}" for name, count in found.example_bytes.items() if count > 1024
    )
    memory = {
        "weights": found.weight_bytes,
        "optimizer: slots": found.slot_bytes,
        "optimizer: moving average": found.average_bytes,
        "gradients": found.gradient_bytes,
        "activations (estimate)": found.activation_bytes,
    }
    lines = [
        f"{height}x{width}, {found.num_classes} classes, {found.precision}, "
        f"{found.batch_size} pictures per core",
        "",
        f"{'parameters':28}{found.parameters:>14,}  ({found.trainable_parameters:,} trained)",
        f"{'multiply-adds per picture':28}{found.multiply_adds / 1e9:>12.2f} G  "
        "(inference, the mask product left out)",
        f"{'host to device, per example':28}{_binary(sum(found.example_bytes.values())):>14}  "
        f"({fields})",
        "",
        "memory of one core, in training",
        *(f"  {name:26}{_binary(count):>14}" for name, count in memory.items()),
        f"  {'sum':26}{_binary(sum(memory.values())):>14}",
        "",
        "Activations: all tensors the forward pass makes and the backward pass reads, as traced. A",
        "compiler fuses some away, pads others and needs room to work: --tpu asks one.",
    ]
    return "\n".join(lines)


def _binary(count: int) -> str:
    """Bytes in the unit that leaves three digits or so."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def ask_compiler(
    program: StepProgram,
    batch_size: int,
    topology: str,
    cache: Path,
    minutes: float,
    search: bool,
    to_code: bool,
) -> None:
    """Prints what the compiler finds: the step's need, the largest batch, the step's code.

    Args:
      program: the step.
      batch_size: pictures per core.
      topology: see `tpu_check.check_ready`.
      cache: folder of earlier results.
      minutes: that one question may take.
      search: for the largest batch that fits, with up to `tpu_check.MAX_PLANS` layouts of memory.
      to_code: compile the step to the end, too, if it fits.
    """

    def ask(size: int, to_code: bool = False) -> Fit | None:
        found = tpu_check.compile_step(
            program.hlo(size), size, topology, cache, minutes, to_code=to_code
        )
        start = f"{topology}, batch {size} per core" + ", compiled to code" * to_code
        print(f"{start}: {_format_fit(found, topology, minutes)}", flush=True)
        return found

    if search:
        largest, tried = tpu_check.largest_batch(batch_size, tpu_check.usable_bytes(topology), ask)
        print(format_largest(largest, tried), flush=True)
    else:
        tried = [found] if (found := ask(batch_size)) else []
    if to_code and any(fit.fits and fit.batch_size == batch_size for fit in tried):
        ask(batch_size, to_code=True)


def _format_fit(found: Fit | None, topology: str, minutes: float) -> str:
    if found is None:
        return f"not known, the compiler took more than {minutes:g} minutes"
    verdict = "fits" if found.fits else "does NOT fit"
    source = ", from the cache" if found.cached else ""
    capacity = tpu_check.usable_bytes(topology) / GIB
    return f"{found.needed / GIB:.2f} of {capacity} GiB, {verdict}{source}"


def format_largest(largest: Fit | None, tried: list[Fit]) -> str:
    """The search's result, and how sure it is."""
    if not tried:
        return "largest batch that fits: not known"
    if largest is None:
        smallest = min(fit.batch_size for fit in tried)
        return (
            f"no batch down to {smallest} per core fits; try train.precision='mixed_bfloat16', "
            "ConvNeXtUNet.recompute=True or a smaller INPUT_SIZE"
        )
    if any(fit.batch_size == largest.batch_size + 1 for fit in tried):
        return f"largest batch that fits: {largest.batch_size} per core; one more does not"
    return (
        f"largest batch that fits: {largest.batch_size} per core, or more; the search ended there"
    )


def per_core(batch_size: int, cores: int) -> int:
    """A core's share of a global batch, rounded up."""
    return math.ceil(batch_size / cores)
