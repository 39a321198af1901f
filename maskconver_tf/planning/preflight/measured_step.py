"""Measures the training step on this machine, and tells how long a run would take here."""

from __future__ import annotations

import dataclasses
import statistics
import time

import tensorflow as tf

from maskconver_tf.planning.preflight.step_program import StepProgram


@dataclasses.dataclass(frozen=True)
class MeasuredStep:
    """The time of one step, or of one part of a step with accumulation.

    Attributes:
      device: the kind of device, "CPU" or "GPU".
      part_size: pictures of a part.
      seconds_of_part: median over the measured steps.
      spread: largest minus smallest time, in seconds.
    """

    device: str
    part_size: int
    seconds_of_part: float
    spread: float


def measure_step(
    program: StepProgram, part_size: int, jit_compile: bool = False, num_steps: int = 5
) -> MeasuredStep:
    """Computes real steps on empty pictures, the first one to compile, and measures the others.

    The work of a step does not depend on the content of its pictures. It leaves out the input:
    decoding and augmentation run beside the device, if the CPU cores suffice.

    Args:
      program: the step. Its weights change.
      part_size: pictures of a step.
      jit_compile: compile the step with XLA.
      num_steps: number of measured steps.
    """
    # `tf.tile` does not take uint16, the type of slot maps of more than 255 slots.
    batch = {name: tf.stack([value] * part_size) for name, value in program.example.items()}
    step = tf.function(
        program.training_step.replica_step, jit_compile=jit_compile or None, autograph=False
    )
    times = []
    for _ in range(num_steps + 1):
        begun = time.perf_counter()
        step(batch).numpy()
        times.append(time.perf_counter() - begun)
    device = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    measured = times[1:]
    spread = max(measured) - min(measured)
    return MeasuredStep(device, part_size, statistics.median(measured), spread)


def format_step(
    step: MeasuredStep, batch_size: int, total_steps: int, minutes: float | None = None
) -> str:
    """Formats the time of a step, and of the whole run on one such device.

    Args:
      step: measured.
      batch_size: pictures of a batch.
      total_steps: length of the run.
      minutes: length of the run as a time; None if it counts steps.
    """
    parts = batch_size / step.part_size
    seconds = step.seconds_of_part * parts
    if minutes:
        whole = f"about {60 * minutes / seconds:.0f} steps in {minutes:g} minutes"
    else:
        whole = f"{format_duration(seconds * total_steps)} in all for {total_steps} steps"
    return (
        f"measured on this {step.device}, without input and evaluations: {seconds:.2f} seconds a "
        f"step ({parts:g} parts of {step.part_size} pictures; a part took "
        f"{step.seconds_of_part:.2f} seconds, spread {step.spread:.2f}), {whole}"
    )


def format_duration(seconds: float) -> str:
    """Formats a time in minutes, and from two hours on in hours."""
    minutes = seconds / 60
    return f"{minutes:.1f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
