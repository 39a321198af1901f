"""Searches the largest batch that fits a TPU core."""

from __future__ import annotations

import sys
from collections.abc import Callable

from maskconver_tf.planning.preflight.tpu_check import MemoryPlan

MAX_PLANS = 8
"""Number of batch sizes that a search tries at most."""


def find_largest_batch(
    first_size: int, capacity: int, compile_batch: Callable[[int], MemoryPlan | None]
) -> tuple[MemoryPlan | None, list[MemoryPlan]]:
    """Searches the largest batch size that fits, until the next size is known not to fit.

    The search draws a line through the needs of two sizes, and tries the size where the line meets
    the capacity. The line is not exact: near the limit the compiler recomputes tensors that it
    would otherwise keep.

    Args:
      first_size: the batch size to try first.
      capacity: bytes of the core's memory.
      compile_batch: returns the need of a batch size, or None if the compiler ran out of time.

    Returns:
      The plan of the largest size that fits, or None; and the plans of all sizes that were tried.
    """
    plans: dict[int, MemoryPlan] = {}
    size = first_size
    while size not in plans and len(plans) < MAX_PLANS:
        if (plan := compile_batch(size)) is None:
            break
        plans[size] = plan
        size = _next_size(sorted(plans.values(), key=lambda p: p.batch_size), capacity)
    fitting = [plan for plan in plans.values() if plan.fits]
    return max(fitting, key=lambda p: p.batch_size, default=None), list(plans.values())


def format_largest_batch(largest: MemoryPlan | None, tried: list[MemoryPlan]) -> str:
    """Formats the result of the search, and says whether one more was tried."""
    if not tried:
        return "largest batch that fits: not known"
    if largest is None:
        smallest = min(plan.batch_size for plan in tried)
        return (
            f"no batch down to {smallest} per core fits; try Compute.precision='mixed_bfloat16', "
            "ConvNeXtUNet.recompute=True or a smaller INPUT_SIZE"
        )
    if any(plan.batch_size == largest.batch_size + 1 for plan in tried):
        return f"largest batch that fits: {largest.batch_size} per core; one more does not"
    return (
        f"largest batch that fits: {largest.batch_size} per core, or more; the search ended there"
    )


def _next_size(plans: list[MemoryPlan], capacity: int) -> int:
    """Returns the size to try next, or a size of `plans` if the search is over."""
    largest = max((p.batch_size for p in plans if p.fits), default=0)
    too_large = min((p.batch_size for p in plans if not p.fits), default=sys.maxsize)
    if too_large == largest + 1:
        return too_large
    if len(plans) == 1:
        return 2 * largest or max(1, too_large // 2)
    place = max(1, min(len(plans) - 1, sum(p.fits for p in plans)))
    below, above = plans[place - 1], plans[place]
    slope = (above.needed_bytes - below.needed_bytes) / (above.batch_size - below.batch_size)
    guess = below.batch_size + int((capacity - below.needed_bytes) // max(slope, 1.0))
    return min(max(guess, largest + 1), too_large - 1)
