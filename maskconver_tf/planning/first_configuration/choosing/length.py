"""Length, batch size, learning rate and averages for the time that a training has."""

from __future__ import annotations

import dataclasses
import math

from maskconver_tf.planning.first_configuration.choosing.models import Candidate
from maskconver_tf.planning.first_configuration.choosing.setting import Setting
from maskconver_tf.planning.first_configuration.choosing.size import ChosenSize
from maskconver_tf.planning.first_configuration.choosing.time_budget import TimeBudget
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts
from maskconver_tf.planning.first_configuration.wording import format_minutes, format_seconds

_MANY_SEGMENTS = 40
_ENOUGH_STEPS, _FEWEST_STEPS = 1000, 400
"""Fewer steps than the first get batches of 4, fewer than the second batches of 2."""
_MOST_EPOCHS = 300
"""Longer, a training learns its pictures by heart, with all augmentation. CamVid has had 50."""

_LARGEST_PART = 3e6
"""Pixels of a batch. More take gigabytes of memory."""

_EVALUATION_SHARE = 0.12
_MOST_EVALUATIONS = 4
_EVALUATION_COST = 0.6
"""Of scoring a picture, as a share of the cost of training on it: the network forward, the fusion
and the counting."""

_SECONDS_OF_LOOP = 20.0
"""A run notices a request to stop after each loop of steps."""


@dataclasses.dataclass(frozen=True)
class ChosenLength:
    """The length of a training.

    Attributes:
      batch_size: pictures of a step.
      total_steps: number of steps.
      eval_interval: steps between two evaluations; 0 for one at the end.
      num_evaluations: how often the run evaluates.
      evaluation_seconds: assumed seconds of one evaluation.
      steps_per_loop: steps between two reports.
      seconds_of_step: seconds of a step.
      is_cut: whether the training is shorter than it may be, because each picture comes too often.
    """

    batch_size: int
    total_steps: int
    eval_interval: int
    num_evaluations: int
    evaluation_seconds: float
    steps_per_loop: int
    seconds_of_step: float
    is_cut: bool = False

    def epochs(self, facts: DataFacts) -> float:
        """How often the training sees each picture."""
        return self.batch_size * self.total_steps / facts.num_pictures


def choose_length(facts: DataFacts, size: ChosenSize, budget: TimeBudget) -> ChosenLength:
    """Divides the time into steps and evaluations."""
    views = budget.views(size.train_size)
    batch_size = _batch_size(facts, views, size.train_size[0] * size.train_size[1])
    most = max(_FEWEST_STEPS, _MOST_EPOCHS * facts.num_pictures // batch_size)
    steps = max(1, min(int(views / batch_size), most))
    seconds_of_step = batch_size * budget.seconds_of_picture(size.train_size)
    loop = int(_SECONDS_OF_LOOP / seconds_of_step) or 1
    loop = max(1, min(25, loop, steps))
    seconds = _EVALUATION_COST * facts.num_eval * budget.seconds_of_picture(size.input_size)
    share = _EVALUATION_SHARE * 60.0 * budget.minutes
    times = max(1, min(_MOST_EVALUATIONS, int(share / max(seconds, 1e-9)), steps // loop))
    interval = loop * math.ceil(steps / times / loop) if times > 1 else 0
    is_cut = steps < int(views / batch_size)
    return ChosenLength(batch_size, steps, interval, times, seconds, loop, seconds_of_step, is_cut)


def _batch_size(facts: DataFacts, views: float, pixels: int) -> int:
    """8, or less if pictures are few, large or full of segments."""
    size = 4 if facts.mean_segments > _MANY_SEGMENTS else 8
    if views / size < _ENOUGH_STEPS:
        size = 4
    if views / size < _FEWEST_STEPS:
        size = 2
    while size > 1 and size * pixels > _LARGEST_PART:
        size //= 2
    return size


def length_settings(length: ChosenLength, facts: DataFacts, budget: TimeBudget) -> list[Setting]:
    """Returns the settings of `RunLength` and the batch size."""
    measured = "measured here" if budget.is_measured else "assumed (not measured)"
    epochs = length.epochs(facts)
    often = "at the end only" if length.num_evaluations == 1 else f"{length.num_evaluations} times"
    total = length.num_evaluations * length.evaluation_seconds
    long = (
        f"{format_minutes(budget.minutes)} at a speed {measured}; each picture {epochs:.1f} times"
    )
    if length.is_cut:
        long = f"less than {format_minutes(budget.minutes)}: each picture comes {epochs:.0f} times"
    return [
        Setting("RunLength.total_steps", length.total_steps, long),
        Setting(
            "RunLength.eval_interval",
            length.eval_interval,
            f"evaluates {often}, about {format_seconds(total)} in all",
        ),
        Setting(
            "RunLength.steps_per_loop", length.steps_per_loop, "how often it reports and can stop"
        ),
        Setting("TrainingInput.batch_size", length.batch_size, _batch_reason(length, facts)),
    ]


def _batch_reason(length: ChosenLength, facts: DataFacts) -> str:
    if length.batch_size == 8:
        return "as in the experiments of this size"
    if facts.mean_segments > _MANY_SEGMENTS and length.batch_size == 4:
        return "few pictures a step, since each has many segments"
    return "few pictures a step, so that there are enough steps and memory"


def optimizer_settings(candidate: Candidate, length: ChosenLength) -> list[Setting]:
    """Returns the settings of the optimizer, fitted to the number of steps."""
    steps = length.total_steps
    small = length.batch_size < 4
    rate = candidate.learning_rate * (0.7 if small else 1.0)
    warmup = max(1, min(100, steps // 20))
    decay = round(min(max(1 - 10 / steps, 0.9), 0.998), 4)
    weights = "pretrained weights" if candidate.is_pretrained else "random weights"
    return [
        Setting(
            "make_optimizer.learning_rate",
            float(f"{rate:.2g}"),
            f"{'0.7 times that of' * small or 'as in'} the measured experiments with {weights}"
            f"{', since batches are small' * small}; falls to 0",
        ),
        Setting("make_optimizer.warmup_steps", warmup, "a twentieth of the steps, 100 at most"),
        Setting("make_optimizer.ema_decay", decay, "averages over the last 10 % of the steps"),
    ]
