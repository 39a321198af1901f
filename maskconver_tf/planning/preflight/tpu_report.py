"""Prints whether a training step fits a TPU core: what `maskconver preflight --tpu` adds."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.planning.preflight import tpu_check
from maskconver_tf.planning.preflight.batch_search import find_largest_batch, format_largest_batch
from maskconver_tf.planning.preflight.step_program import StepProgram
from maskconver_tf.planning.preflight.tpu_check import GIB, MemoryPlan


def print_tpu_memory(
    program: StepProgram,
    batch_size: int,
    topology: str,
    cache: Path,
    minutes: float,
    search: bool,
    to_code: bool,
) -> None:
    """Compiles the step for a TPU, and prints the memory it needs and whether it fits.

    Args:
      program: the step.
      batch_size: pictures per core.
      topology: see `tpu_check.check_topology`.
      cache: folder of earlier results.
      minutes: limit for one compilation.
      search: also search the largest batch that fits, see `find_largest_batch`.
      to_code: also compile the step to code, if it fits.
    """

    def compile_batch(size: int, to_code: bool = False) -> MemoryPlan | None:
        plan = tpu_check.compile_step(
            program.hlo(size), size, topology, cache, minutes, to_code=to_code
        )
        start = f"{topology}, batch {size} per core" + ", compiled to code" * to_code
        print(f"{start}: {_format_plan(plan, topology, minutes)}", flush=True)
        return plan

    if search:
        capacity = tpu_check.usable_bytes(topology)
        largest, tried = find_largest_batch(batch_size, capacity, compile_batch)
        print(format_largest_batch(largest, tried), flush=True)
    else:
        tried = [plan] if (plan := compile_batch(batch_size)) else []
    if to_code and any(plan.fits and plan.batch_size == batch_size for plan in tried):
        compile_batch(batch_size, to_code=True)


def _format_plan(plan: MemoryPlan | None, topology: str, minutes: float) -> str:
    if plan is None:
        return f"not known, the compiler took more than {minutes:g} minutes"
    verdict = "fits" if plan.fits else "does NOT fit"
    source = ", from the cache" if plan.cached else ""
    capacity = tpu_check.usable_bytes(topology) / GIB
    return f"{plan.needed_bytes / GIB:.2f} of {capacity} GiB, {verdict}{source}"
