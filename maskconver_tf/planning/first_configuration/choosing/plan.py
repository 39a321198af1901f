"""Puts the choices together: a first training for a dataset, on a machine, in some minutes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from maskconver_tf.planning.first_configuration.choosing.inputs import (
    augmentation_settings,
    fusion_settings,
    label_settings,
)
from maskconver_tf.planning.first_configuration.choosing.length import (
    ChosenLength,
    choose_length,
    length_settings,
    optimizer_settings,
)
from maskconver_tf.planning.first_configuration.choosing.model_choice import (
    ChosenModel,
    choose_model,
)
from maskconver_tf.planning.first_configuration.choosing.setting import Setting
from maskconver_tf.planning.first_configuration.choosing.size import (
    ChosenSize,
    canvas,
    choose_size,
    enlarged,
    wanted_scale,
)
from maskconver_tf.planning.first_configuration.choosing.time_budget import TimeBudget
from maskconver_tf.planning.first_configuration.choosing.turns import (
    Orientation,
    turn_settings,
    turns_by_quarters,
)
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts
from maskconver_tf.planning.first_configuration.wording import counted

_MEASURED_PIXELS = 4e5
"""Of a measured step; the cost of a step is nearly proportional to its pixels."""

_CLEARLY_FASTER = 0.87
"""Share of the time of float32 from which bfloat16 is worth its rounding."""


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What the user asks for.

    Attributes:
      minutes: how long the training may take.
      orientation: "upright", or "any" if turned pictures are as good.
      has_weights: whether the package with ImageNet weights is installed.
    """

    minutes: float
    orientation: Orientation
    has_weights: bool


@dataclasses.dataclass(frozen=True)
class MeasuredTraining:
    """What some real steps on this machine took.

    Attributes:
      device: "CPU" or "GPU".
      seconds: of training, for a megapixel of input.
      memory_bytes: estimate of the memory of a step with the whole batch.
    """

    device: str
    seconds: float
    memory_bytes: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """A first training.

    Attributes:
      facts: the data.
      model, size, length, budget: the choices that others follow from.
      settings: the lines of the experiment, without data and weights.
      doubts: what the plan is unsure of.
      measured: what some steps took, or None.
    """

    facts: DataFacts
    model: ChosenModel
    size: ChosenSize
    length: ChosenLength
    budget: TimeBudget
    settings: tuple[Setting, ...]
    doubts: tuple[str, ...]
    measured: MeasuredTraining | None = None

    def measured_part(self) -> int:
        """Returns the pictures of a measured step: the batch, or fewer if they are large."""
        height, width = self.size.train_size
        return max(1, min(self.length.batch_size, int(_MEASURED_PIXELS / (height * width))))


def make_plan(
    facts: DataFacts, wishes: Wishes, measure: Callable[[Plan], MeasuredTraining] | None
) -> Plan:
    """Chooses everything, then measures some steps and chooses size, length and precision again.

    Args:
      facts: the data.
      wishes: what the user asks for.
      measure: computes steps of a plan on this machine; None to assume a speed.
    """
    square = turns_by_quarters(facts, wishes.orientation)
    model = choose_model(facts, canvas(facts, wanted_scale(facts), square), wishes.has_weights)
    plan = _plan(facts, wishes, model, TimeBudget(wishes.minutes, model.candidate.seconds))
    if measure is None:
        return plan
    for _ in range(2):
        measured = measure(plan)
        budget = TimeBudget(wishes.minutes, measured.seconds, True)
        before, plan = plan, _plan(facts, wishes, model, budget)
        plan = dataclasses.replace(plan, measured=measured)
        if _same_cost(before, plan):
            break
    return _in_bfloat16_if_faster(plan, facts, wishes, measure)


def _in_bfloat16_if_faster(
    plan: Plan, facts: DataFacts, wishes: Wishes, measure: Callable[[Plan], MeasuredTraining]
) -> Plan:
    """Measures a plan in bfloat16, and fits it to that speed if it is clearly faster."""
    precision = Setting("Compute.precision", "mixed_bfloat16", "to be measured")
    measured = measure(dataclasses.replace(plan, settings=(*plan.settings, precision)))
    if measured.seconds > _CLEARLY_FASTER * plan.budget.seconds:
        return plan
    times = plan.budget.seconds / measured.seconds
    precision = dataclasses.replace(precision, reason=f"{times:.1f} times as fast here as float32")
    faster = _plan(facts, wishes, plan.model, TimeBudget(wishes.minutes, measured.seconds, True))
    return dataclasses.replace(faster, settings=(*faster.settings, precision), measured=measured)


def _same_cost(a: Plan, b: Plan) -> bool:
    """Whether two plans have inputs and batches of nearly the same size."""
    first, second = (
        plan.length.batch_size * plan.size.train_size[0] * plan.size.train_size[1]
        for plan in (a, b)
    )
    return max(first, second) <= 1.5 * min(first, second)


def _plan(facts: DataFacts, wishes: Wishes, model: ChosenModel, budget: TimeBudget) -> Plan:
    square = turns_by_quarters(facts, wishes.orientation)
    size = choose_size(facts, budget, square, 2**model.mask_level)
    if model.mask_level < 2:
        size = enlarged(size)
    length = choose_length(facts, size, budget)
    turns, doubts_of_turns = turn_settings(facts, wishes.orientation)
    settings = (
        *length_settings(length, facts, budget),
        *augmentation_settings(facts, size, length, turns),
        *label_settings(facts, size, model),
        *fusion_settings(facts, length),
        Setting("MaskConverLoss.mask_weight", 2.5, "as in all measured experiments of this size"),
        *optimizer_settings(model.candidate, length),
    )
    doubts = (*model.doubts, *size.doubts, *doubts_of_turns, *_doubts(facts, length))
    return Plan(facts, model, size, length, budget, settings, doubts)


def _doubts(facts: DataFacts, length: ChosenLength) -> list[str]:
    doubts = []
    if length.total_steps < 300:
        doubts.append(
            f"{length.total_steps} steps are few, and the scores of a short training are low; give "
            "more --minutes, or lower PanopticFusion.score_threshold"
        )
    if length.num_evaluations * length.evaluation_seconds > 60 * 0.25 * 60:
        doubts.append("scoring takes long; EvaluationInput.max_examples scores the first pictures")
    if facts.dark_share > 0.5:
        doubts.append(
            "most pictures use less than a quarter of the range of gray values, and may be learned "
            "better if they use all of it; `maskconver data build --percentiles 0.1,99.9` does that"
        )
    if facts.num_pictures < 20:
        shown = counted(facts.num_pictures, "training picture")
        doubts.append(f"{shown} tell{'s' * (facts.num_pictures == 1)} little about new ones")
    if not facts.has_stuff:
        doubts.append(
            "there is no stuff, so pixels without a label are ignored and things may be invented "
            "there; `data build --background NAME` makes a class of them"
        )
    return doubts
