"""The plan of a training of a given number of minutes: how many steps, and how far each one is.

The *progress* of a step is 0 at the start of the training and 1 at its end; the learning rate is a
function of it. A plan is a list of segments. Inside a segment progress rises linearly with the
step, so the learning rate is a function of the step alone. A new measurement of the rate ends a
segment and begins the next one at the same progress. The list is kept in `plan.json`, so that a run
that resumes, and its reader, know what the learning rate was at each step.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import RemotePath
from maskconver_tf.files.whole_file import write_text_whole


@dataclasses.dataclass(frozen=True)
class Segment:
    """Steps whose progress rises linearly from `first_progress` to 1.

    Attributes:
      first_step: number of steps before the segment.
      first_progress: progress there, 0..1.
      last_step: number of steps when the run ends. A new segment may replace the rest.
    """

    first_step: int
    first_progress: float
    last_step: int

    def progress(self, step: int) -> float:
        """Returns the progress after `step` steps, 0..1."""
        share = (step - self.first_step) / max(self.last_step - self.first_step, 1)
        return self.first_progress + (1 - self.first_progress) * min(max(share, 0.0), 1.0)


@dataclasses.dataclass(frozen=True)
class Costs:
    """What was measured.

    Attributes:
      step_seconds: of one step, with its input and its share of the checkpoints.
      evaluation_seconds: of one evaluation; 0 if there are none.
    """

    step_seconds: float
    evaluation_seconds: float = 0.0


@dataclasses.dataclass
class TimePlan:
    """The plan of a run, and the time that the run has used.

    Attributes:
      seconds: length of the training, from the end of the first step's compilation.
      segments: in order; empty before the first measurement.
      used: (step, seconds used until then), the last record.
      evaluation_seconds: of an earlier evaluation; None if none was measured.
    """

    seconds: float
    segments: list[Segment] = dataclasses.field(default_factory=list)
    used: tuple[int, float] = (0, 0.0)
    evaluation_seconds: float | None = None

    @property
    def last_step(self) -> int:
        """The number of steps at the end of the run."""
        return self.segments[-1].last_step

    def renew(self, step: int, seconds_used: float, costs: Costs, eval_interval: int) -> None:
        """Begins a new segment at `step`, so that the run ends when its time does.

        The learning rate goes on from where it is. The segment is empty if no time is left.

        Args:
          step: steps done.
          seconds_used: time used.
          costs: what was measured.
          eval_interval: steps between two evaluations; 0 for one at the end.
        """
        count = steps_in(self.seconds - seconds_used, step, costs, eval_interval)
        self._begin(Segment(step, self.segments[-1].progress(step), step + count))

    def start_or_go_on(self, step: int, seconds: float, nominal_steps: int) -> None:
        """Adapts the plan to a run that starts or resumes at `step`, before anything is measured.

        Segments that began after the step are forgotten: a run that was killed resumes earlier. If
        the length changed, progress is the share of the new time that the run has used.

        Args:
          step: steps done.
          seconds: length of the training.
          nominal_steps: steps of the first segment, until the rate is known.
        """
        self.used = (step, self.seconds_at(step))
        changed, self.seconds = seconds != self.seconds, seconds
        self.segments = [s for s in self.segments if s.first_step <= step]
        if not self.segments:
            self._begin(Segment(step, 0.0, step + nominal_steps))
        elif changed:
            share = min(self.used[1] / seconds, 1.0)
            self._begin(Segment(step, share, max(step + 1, self.last_step)))

    def _begin(self, segment: Segment) -> None:
        earlier = [s for s in self.segments if s.first_step < segment.first_step]
        self.segments = [*earlier, segment]

    def seconds_at(self, step: int) -> float:
        """Returns the time used until `step`, in proportion to the last record."""
        recorded, seconds = self.used
        return seconds * step / recorded if recorded else 0.0


def steps_in(seconds: float, step: int, costs: Costs, eval_interval: int) -> int:
    """Returns how many steps fit into a time, with the evaluations between them and at the end.

    Args:
      seconds: the time left.
      step: steps done; evaluations come at multiples of the interval.
      costs: of a step and of an evaluation.
      eval_interval: steps between two evaluations; 0 for one at the end.
    """
    step_seconds = max(costs.step_seconds, 1e-9)
    left = seconds - costs.evaluation_seconds
    if not eval_interval:
        return max(int(left / step_seconds), 0)
    count = max(int(left / (step_seconds + costs.evaluation_seconds / eval_interval)), 0)
    # The quotient counts a share of an evaluation that a short rest may not have.
    while _cost(count + 1, step, costs, eval_interval) <= seconds:
        count += 1
    while count and _cost(count, step, costs, eval_interval) > seconds:
        count -= 1
    return count


def _cost(count: int, step: int, costs: Costs, eval_interval: int) -> float:
    """Returns the seconds of `count` more steps with their evaluations, one at the end included."""
    between = (step + count - 1) // eval_interval - step // eval_interval
    return count * max(costs.step_seconds, 1e-9) + (between + 1) * costs.evaluation_seconds


# ---- The file ------------------------------------------------------------------------------------
def write_plan(path: Path | RemotePath, plan: TimePlan) -> None:
    """Writes the plan as JSON, whole or not at all."""
    write_text_whole(path, json.dumps(dataclasses.asdict(plan), indent=1) + "\n")


def read_plan(path: Path | RemotePath) -> TimePlan | None:
    """Reads what `write_plan` wrote; None if there is no file.

    Raises:
      UserError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        return _parsed(json.loads(path.read_text()))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: not the plan of a run ({error!r}); expected what `maskconver train "
            "--minutes` writes. Remove the file: the time used so far is then forgotten"
        ) from None


def _parsed(content: dict) -> TimePlan:
    segments: Sequence[dict] = content["segments"]
    step, seconds = content["used"]
    evaluation = content["evaluation_seconds"]
    return TimePlan(
        float(content["seconds"]),
        [
            Segment(int(s["first_step"]), float(s["first_progress"]), int(s["last_step"]))
            for s in segments
        ],
        (int(step), float(seconds)),
        None if evaluation is None else float(evaluation),
    )
