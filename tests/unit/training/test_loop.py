"""Evaluations come at multiples of their interval, however often the run was stopped."""

from __future__ import annotations

import pytest

from maskconver_tf.training.loop import _run
from maskconver_tf.training.run_settings import RunLength


class Controller:
    """Trains and evaluates in no time; `evaluations` are the steps of its evaluations."""

    def __init__(self, step: int, evaluator: str | None = "any"):
        self.step, self.evaluator = step, evaluator
        self.evaluations: list[int] = []
        self.saved_at: list[int] = []

    @property
    def global_step(self):
        return self

    def numpy(self) -> int:
        return self.step

    def train(self, steps: int, checkpoint_at_completion: bool = True) -> None:
        assert steps >= self.step
        self.step = steps

    def evaluate(self) -> dict:
        self.evaluations.append(self.step)
        return {"all": {"pq": float(self.step)}}

    def save_checkpoint(self) -> None:
        self.saved_at.append(self.step)


@pytest.mark.parametrize(
    ("step", "last_evaluation", "total", "interval", "expected"),
    [
        (0, -1, 300, 100, [100, 200, 300]),
        (137, 100, 300, 100, [200, 300]),
        (200, 200, 300, 100, [300]),
        (200, 100, 300, 100, [200, 300]),  # Stopped during the evaluation at 200.
        (0, -1, 250, 100, [100, 200, 250]),
        (40, -1, 300, 0, [300]),
        (300, 300, 300, 100, [300]),  # Complete before: only evaluated.
        (400, 300, 300, 100, [400]),
    ],
)
def test_evaluations_keep_their_rhythm(step, last_evaluation, total, interval, expected):
    controller = Controller(step)
    length = RunLength(total_steps=total, eval_interval=interval)
    scores = _run(controller, length, last_evaluation)
    assert controller.evaluations == expected
    assert controller.saved_at == [max(total, step)]
    assert scores["all"]["pq"] == expected[-1]


def test_a_run_without_evaluation_only_trains():
    controller = Controller(20, evaluator=None)
    assert _run(controller, RunLength(total_steps=90), -1) == {}
    assert controller.step == 90 and controller.evaluations == []
