"""A run of minutes ends when its time does, on a clock that the test moves."""

from __future__ import annotations

import itertools

import pytest

from maskconver_tf.training.time_plan.plan import TimePlan, read_plan
from maskconver_tf.training.time_plan.timed_run import TimedRun, without_start


class Machine:
    """A controller whose steps and evaluations take a known time on its own clock."""

    def __init__(self, step=1.0, evaluation=None, compile_step=40.0, compile_evaluation=25.0):
        self.now, self.at, self.steps_per_loop = 0.0, 0, 50
        self.costs = {"step": step, "evaluation": evaluation}
        self.compiling = {"step": compile_step, "evaluation": compile_evaluation}
        self.evaluator = None if evaluation is None else "any"
        self.evaluations: list[tuple[int, float]] = []
        self.saved, self.times, self.begun = False, [], None
        self.stop_at: float | None = None

    @property
    def global_step(self):
        return self

    def numpy(self) -> int:
        return self.at

    def train(self, steps: int, checkpoint_at_completion: bool) -> None:
        assert not checkpoint_at_completion
        while self.at < steps:
            loop = min(self.steps_per_loop, steps - self.at)
            self.now += self.compiling.pop("step", 0.0) + loop * self.costs["step"]
            self.begun = self.now if self.begun is None else self.begun
            self.at += loop
            if self.stop_at is not None and self.now >= self.stop_at:
                raise KeyboardInterrupt

    def evaluate(self) -> str:
        self.now += self.compiling.pop("evaluation", 0.0)
        for _ in range(10):
            self.now += self.costs["evaluation"] / 10
            self.times.append(self.now)
        self.evaluations.append((self.at, self.now))
        return f"scores of {self.at}"

    def save_checkpoint(self) -> None:
        self.saved = True

    @property
    def used(self) -> float:
        return self.now - self.begun


def run(machine: Machine, plan: TimePlan, tmp_path, interval: int = 0):
    followed, lines = [], []
    file = tmp_path / "plan.json"
    timed = TimedRun(
        machine,
        plan,
        interval,
        file,
        followed.append,
        lines.append,
        machine.times,
        lambda: machine.now,
    )
    return timed.run(), followed, lines


def new_plan(seconds: float, step: int = 0) -> TimePlan:
    plan = TimePlan(seconds)
    plan.start_or_go_on(step, seconds, 1000)
    return plan


@pytest.mark.parametrize("seconds", [60.0, 300.0, 1800.0])
@pytest.mark.parametrize("step", [0.05, 1.0, 4.0])
@pytest.mark.parametrize("evaluation", [None, 3.0, 20.0])
@pytest.mark.parametrize("interval", [0, 100])
def test_the_run_ends_when_its_time_does(tmp_path, seconds, step, evaluation, interval):
    if evaluation and interval * step < 2 * evaluation and interval:
        pytest.skip("a run that mostly evaluates")
    machine = Machine(step, evaluation, compile_evaluation=0.1 * seconds)
    scores, followed, lines = run(machine, new_plan(seconds), tmp_path, interval)
    assert abs(machine.used - seconds) <= 0.06 * seconds + step
    assert machine.saved
    assert followed[-1].progress(machine.at) == 1.0
    assert f"{step:.2f} s a step" in lines[0]
    if evaluation:
        assert machine.evaluations[-1][0] == machine.at
        assert scores == f"scores of {machine.at}"
    else:
        assert scores is None


def test_the_learning_rate_makes_no_jump(tmp_path):
    """Each segment begins at the progress where the one before was left."""
    machine = Machine(step=0.5, evaluation=5.0)
    _, followed, _ = run(machine, new_plan(600.0), tmp_path, interval=100)
    assert len(followed) > 5
    for before, after in itertools.pairwise(followed):
        assert after.first_progress == pytest.approx(before.progress(after.first_step))


def test_a_machine_that_becomes_slower_still_ends_in_time(tmp_path):
    machine = Machine(step=0.5)
    train = machine.train

    def slower(steps: int, checkpoint_at_completion: bool) -> None:
        machine.costs["step"] = 0.5 if machine.now < 200 else 1.5
        train(steps, checkpoint_at_completion)

    machine.train = slower
    run(machine, new_plan(600.0), tmp_path)
    assert machine.used == pytest.approx(600, rel=0.1)


def test_evaluations_come_at_multiples_of_the_interval(tmp_path):
    machine = Machine(step=1.0, evaluation=5.0)
    run(machine, new_plan(600.0), tmp_path, interval=100)
    steps = [step for step, _ in machine.evaluations]
    assert steps[1:-1] == [100, 200, 300, 400, 500]
    assert steps[0] < 20  # The first one measures.


def test_a_run_that_is_stopped_uses_only_the_rest_of_its_time(tmp_path):
    first = Machine(step=1.0, evaluation=5.0)
    first.stop_at = 340.0
    with pytest.raises(KeyboardInterrupt):
        run(first, new_plan(600.0), tmp_path)
    plan = read_plan(tmp_path / "plan.json")
    assert plan.used == (first.at, pytest.approx(first.used))
    second = Machine(step=1.0, evaluation=5.0)
    second.at = first.at
    plan.start_or_go_on(second.at, 600.0, 1000)
    _, followed, _ = run(second, plan, tmp_path)
    assert first.used + second.used == pytest.approx(600, rel=0.06)
    assert len(second.evaluations) == 1  # The cost of an evaluation is known.
    assert followed[0].progress(second.at) == 1.0 > followed[0].first_progress


def test_no_time_left_means_no_step(tmp_path):
    plan = new_plan(60.0, step=80)
    plan.used = (80, 61.0)
    machine = Machine()
    scores, followed, _ = run(machine, plan, tmp_path)
    assert (scores, followed, machine.at) == (None, [], 0)


def test_a_report_comes_at_least_every_fiftieth_of_the_time(tmp_path):
    machine = Machine(step=2.0)
    run(machine, new_plan(300.0), tmp_path)
    assert machine.steps_per_loop == 3


def test_without_start_leaves_out_what_compiles():
    assert without_start([30, 31, 32, 33, 34], 40) == pytest.approx(5)
    assert without_start([30, 31, 45, 46, 47], 50) == pytest.approx(5)
    assert without_start([1, 2], 7) == 7
    assert without_start([0, 10, 20, 30, 40], 41) == 41
