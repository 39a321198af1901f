"""Tells in words whether pictures were learned by heart and, if not, why."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

ENOUGH = 0.75
"""Share of the PQ ceiling that a model must reach on pictures that it knows."""
_STANDS_STILL = 0.03
"""A loss that falls by less than this share in the last quarter of a training stands still."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a training on a few pictures gave.

    Attributes:
      pq: score threshold -> PQ in percent.
      ceiling: PQ of a perfect model, in percent.
      losses: (step, loss) of the reports of the training, in order; empty if no step was left.
      total_steps: length of the training.
      learning_rate: its highest learning rate.
      borders_agree: see `InputReport`.
    """

    pq: Mapping[float, float]
    ceiling: float
    losses: Sequence[tuple[int, float]]
    total_steps: int
    learning_rate: float
    borders_agree: bool | None

    @property
    def best_threshold(self) -> float:
        return max(self.pq, key=lambda threshold: (self.pq[threshold], threshold))

    @property
    def passed(self) -> bool:
        return self.pq[self.best_threshold] >= ENOUGH * self.ceiling


def describe_faults(faults: Sequence[str]) -> str:
    """Formats the faults of an input on which nothing was trained."""
    lines = "\n".join(f"- {fault}" for fault in faults)
    return (
        f"broken input; no training can cure it, so nothing was trained:\n{lines}\n"
        "`maskconver data show` draws pictures and labels as the model gets them. Correct the "
        "dataset or the setting, and run this again"
    )


def describe(outcome: Outcome) -> str:
    """Formats the outcome: the sweep, the verdict and the next step."""
    rows = [f"  score threshold {t:<5g} PQ {pq:5.1f}" for t, pq in sorted(outcome.pq.items())]
    best = outcome.best_threshold
    score = (
        f"PQ {outcome.pq[best]:.1f} at score threshold {best:g}, where a perfect model has "
        f"{outcome.ceiling:.1f}"
    )
    verdict = _passed(score, outcome) if outcome.passed else _failed(score, outcome)
    return "\n".join([*rows, verdict])


_NO_EDGES = (
    "the borders of the segments lie on no edges of the pictures. Either the segments have no "
    "visible borders, or the labels belong to other pictures: look at `maskconver data show`"
)


def _passed(score: str, outcome: Outcome) -> str:
    text = f"learned by heart: {score}. Labels, sizes and classes are right: train on all pictures"
    return text if outcome.borders_agree else f"{text}. But note: {_NO_EDGES}"


def _failed(score: str, outcome: Outcome) -> str:
    start = f"not learned by heart: {score}"
    if outcome.borders_agree is None:
        return f"{start}. The input may be broken: {_NO_EDGES}"
    right = f"{start}. The input is right: the borders of the segments lie on edges of the pictures"
    if not outcome.losses:
        return f"{right}. No step was left; raise --total_steps above {outcome.total_steps}"
    first, last = outcome.losses[0][1], outcome.losses[-1][1]
    course = f"the loss fell from {first:.2f} to {last:.2f}"
    fallen = fallen_in_last_quarter(outcome.losses)
    if fallen is None or fallen >= _STANDS_STILL:
        still = f", by {fallen:.0%} in the last quarter" if fallen is not None else ""
        return (
            f"{right}. The training was too short: {course}{still}. Run the same command with "
            f"--total_steps {2 * outcome.total_steps}; it goes on from here"
        )
    return (
        f"{right}. The training is stuck: {course}, and stands still. Try another "
        f"make_optimizer.learning_rate (now {outcome.learning_rate:g}), or a larger model"
    )


def fallen_in_last_quarter(losses: Sequence[tuple[int, float]]) -> float | None:
    """Returns the share by which the loss fell between the third and the last quarter.

    It is negative for a rising loss, and None for fewer than four reports.
    """
    if len(losses) < 4:
        return None
    quarter = len(losses) // 4
    values = [loss for _, loss in losses]
    before = sum(values[-2 * quarter : -quarter]) / quarter
    return (before - sum(values[-quarter:]) / quarter) / max(abs(before), 1e-9)
