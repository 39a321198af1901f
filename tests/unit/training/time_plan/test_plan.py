"""Plans of minutes: how many steps fit, and how far each step is."""

from __future__ import annotations

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.training.time_plan.plan import (
    Costs,
    Segment,
    TimePlan,
    read_plan,
    steps_in,
    write_plan,
)


@pytest.mark.parametrize(
    ("seconds", "step", "costs", "interval", "count"),
    [
        (100, 0, Costs(2.0), 0, 50),
        (100, 0, Costs(2.0, 10.0), 0, 45),
        (100, 0, Costs(2.0, 10.0), 10, 30),  # After 10, 20 and 30 steps.
        (104, 0, Costs(2.0, 10.0), 10, 32),  # After 10, 20, 30 and 32 steps.
        (9, 0, Costs(2.0, 10.0), 0, 0),
        (-5, 3, Costs(2.0), 0, 0),
        (100, 995, Costs(1.0, 30.0), 1000, 40),  # One at 1000, one at the end.
        (40, 995, Costs(1.0, 30.0), 1000, 5),
    ],
)
def test_steps_in(seconds, step, costs, interval, count):
    assert steps_in(seconds, step, costs, interval) == count


def test_progress_is_linear_in_a_segment_and_stays_in_its_range():
    segment = Segment(100, 0.2, 300)
    found = [segment.progress(step) for step in (50, 100, 200, 300, 400)]
    assert found == pytest.approx([0.2, 0.2, 0.6, 1.0, 1.0])
    assert Segment(7, 1.0, 7).progress(7) == 1.0


def test_a_renewed_plan_keeps_the_progress_and_ends_with_the_time():
    plan = TimePlan(600.0)
    plan.start_or_go_on(0, 600.0, 1000)
    assert plan.segments == [Segment(0, 0.0, 1000)]
    plan.renew(20, 30.0, Costs(1.0, 20.0), 0)
    assert plan.segments[-1] == Segment(20, 0.02, 20 + 550)
    plan.renew(295, 330.0, Costs(2.0, 20.0), 0)  # The machine became slower.
    assert plan.segments[-1].first_progress == pytest.approx(0.51)
    assert plan.last_step == 295 + 125
    assert plan.segments[-1].progress(plan.last_step) == 1.0
    assert [s.first_step for s in plan.segments] == [0, 20, 295]


def test_a_plan_without_time_ends_at_once():
    plan = TimePlan(10.0)
    plan.start_or_go_on(0, 10.0, 100)
    plan.renew(40, 12.0, Costs(1.0), 0)
    assert plan.last_step == 40


def planned() -> TimePlan:
    plan = TimePlan(600.0)
    plan.start_or_go_on(0, 600.0, 1000)
    plan.renew(100, 100.0, Costs(1.0), 0)
    plan.renew(200, 200.0, Costs(1.0), 0)
    plan.used = (250, 250.0)
    return plan


def test_a_run_that_resumes_keeps_its_segments():
    plan, before = planned(), planned()
    plan.start_or_go_on(250, 600.0, 1000)
    assert plan == before


def test_a_killed_run_forgets_what_came_after_its_checkpoint():
    plan = planned()
    plan.start_or_go_on(150, 600.0, 1000)
    assert [s.first_step for s in plan.segments] == [0, 100]
    assert plan.used == (150, 150.0)


def test_more_minutes_move_the_progress_back():
    plan = planned()
    plan.start_or_go_on(250, 1000.0, 1000)
    assert plan.segments[-1].first_step == 250
    assert plan.segments[-1].first_progress == 0.25
    assert plan.seconds == 1000.0
    plan.renew(260, 260.0, Costs(1.0), 0)
    assert plan.last_step == 1000


def test_the_file_holds_the_plan(tmp_path):
    plan = planned()
    plan.evaluation_seconds = 3.5
    write_plan(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    assert read_plan(tmp_path / "none.json") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seconds": "x"}', "{"])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(UserError, match=r"plan.json: not the plan .*Remove the file"):
        read_plan(tmp_path / "plan.json")
