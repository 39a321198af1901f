"""What `new` says at its end: what it found, what to expect, and what it is unsure of."""

from __future__ import annotations

import shlex
import textwrap

import numpy as np

from maskconver_tf.planning.first_configuration.choosing.plan import Plan
from maskconver_tf.planning.first_configuration.experiment_text import (
    input_reason,
    run_folder,
    train_command,
)
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts
from maskconver_tf.planning.first_configuration.wording import counted, format_seconds, format_step

_PROCESS_BYTES = 1.2e9
"""Of TensorFlow, the program and the records in memory, besides what a step needs."""


def expectations(plan: Plan, file: str, ceiling: dict[str, float] | None) -> str:
    """Returns the report for the terminal.

    Args:
      plan: the training.
      file: the experiment that was written.
      ceiling: "all", "things" and "stuff": PQ of a perfect model, 0..100; None if not measured.
    """
    lines = [
        *_found(plan.facts),
        "",
        f"model: {plan.model.candidate.name} ({plan.model.reason})",
        f"input: {_sizes(plan)} ({input_reason(plan)})",
        *_expected(plan, ceiling),
    ]
    if plan.doubts:
        lines += ["unsure:", *(f"  - {doubt}" for doubt in plan.doubts)]
    lines += ["", f"{file}: written. Next:", *_next_commands(plan, file)]
    return "\n".join(wrapped for line in lines for wrapped in _wrapped(line))


def _found(facts: DataFacts) -> list[str]:
    heights, widths = facts.sizes[:, 0], facts.sizes[:, 1]
    evaluation = "the same" if facts.evaluates_training else str(facts.num_eval)
    lines = [
        f"{counted(facts.num_pictures, 'training picture')} of {_range(heights)} x "
        f"{_range(widths)} pixels (height x width), {evaluation} for evaluation; "
        f"{len(facts.pictures)} looked at",
        f"{facts.mean_segments:.1f} segments a picture, {facts.most_segments} at most",
    ]
    if facts.has_things:
        lengths = 2 * facts.scaled("half_diagonals")[facts.counted()]
        low, middle, high = np.quantile(lengths, [0.1, 0.5, 0.9])
        lines.append(
            f"things are {middle:.0f} pixels long (8 of 10 from {low:.0f} to {high:.0f}); "
            f"{facts.touching_share:.0%} touch another of their class"
        )
    kinds = {"gray": facts.gray_share, "dark": facts.dark_share}
    kinds["photographs"] = facts.photograph_share
    shown = [f"{share:.0%} {kind}" for kind, share in kinds.items() if share >= 0.01]
    if shown:
        lines.append(f"kinds of picture: {', '.join(shown)}")
    return lines


def _range(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"


def _sizes(plan: Plan) -> str:
    text = "{} x {}".format(*plan.size.input_size)
    if plan.size.crops:
        text += ", crops of {} x {} in training".format(*plan.size.train_size)
    elif plan.size.is_enlarged:
        text += ", {} x {} in training".format(*plan.size.train_size)
    return text


def _expected(plan: Plan, ceiling: dict[str, float] | None) -> list[str]:
    length, budget = plan.length, plan.budget
    source = "measured here" if budget.is_measured else "assumed, not measured"
    lines = [
        f"time: {counted(length.total_steps, 'step')} of {format_step(length.seconds_of_step)} "
        f"({source}), {counted(length.num_evaluations, 'evaluation')} of about "
        f"{format_seconds(length.evaluation_seconds)}; {_total(plan)} in all"
    ]
    if plan.measured is not None:
        gigabytes = (plan.measured.memory_bytes + _PROCESS_BYTES) / 1e9
        lines.append(f"memory: about {gigabytes:.1f} GB")
    if ceiling is not None:
        groups = ", ".join(
            f"{name} {ceiling[name]:.1f}" for name in ("things", "stuff") if name in ceiling
        )
        lines.append(
            f"PQ ceiling: {ceiling['all']:.1f} ({groups}), of a perfect model at this size; a "
            "training stays below"
        )
    return lines


def _total(plan: Plan) -> str:
    if not plan.length.is_cut:
        return f"{plan.budget.minutes:g} minute{'s' * (plan.budget.minutes != 1)}"
    length = plan.length
    seconds = length.total_steps * length.seconds_of_step
    return "about " + format_seconds(seconds + length.num_evaluations * length.evaluation_seconds)


def _next_commands(plan: Plan, file: str) -> list[str]:
    run, shown = shlex.quote(run_folder(file)), shlex.quote(file)
    return [
        f"  maskconver data show --gin_file {shown} --out inputs.png",
        f"  {train_command(plan, file)}",
        f"  maskconver evaluate --model {run}",
    ]


def _wrapped(line: str) -> list[str]:
    if line.startswith("  maskconver") or not line:
        return [line]
    indent = "    " if line.startswith("  ") else "  "
    return textwrap.wrap(
        line, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
