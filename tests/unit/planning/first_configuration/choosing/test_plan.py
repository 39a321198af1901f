"""A plan is made, measured, and made again for the speed that was found."""

import dataclasses

import pytest

from maskconver_tf.planning.first_configuration.choosing.plan import (
    MeasuredTraining,
    Plan,
    Wishes,
    make_plan,
)
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts

WISHES = Wishes(30.0, "upright", True)


class Machine:
    """Takes a fixed time for a megapixel, and notes what it measured."""

    def __init__(self, seconds: float, in_bfloat16: float | None = None):
        self.seconds = seconds
        self.in_bfloat16 = in_bfloat16 or seconds
        self.plans: list[Plan] = []

    def __call__(self, plan: Plan) -> MeasuredTraining:
        self.plans.append(plan)
        precision = values(plan).get("Compute.precision", "float32")
        seconds = {"float32": self.seconds, "mixed_bfloat16": self.in_bfloat16}[precision]
        return MeasuredTraining("CPU", seconds, 10**9)


def values(plan: Plan) -> dict:
    return {setting.name: setting.value for setting in plan.settings}


def test_a_slower_machine_makes_fewer_steps_of_the_same_time():
    facts = make_facts(make_picture_facts((200, 200)), num_pictures=3000)
    fast, slow = (make_plan(facts, WISHES, Machine(seconds)) for seconds in (0.5, 1.0))
    assert fast.budget.is_measured and fast.measured.seconds == 0.5
    assert values(fast)["RunLength.total_steps"] == pytest.approx(
        2 * values(slow)["RunLength.total_steps"], rel=0.01
    )


def test_another_size_is_measured_again_but_not_forever():
    facts = make_facts(make_picture_facts((800, 800), sides=(12, 12, 300, 300, 300, 300)))
    machine = Machine(60.0)
    plan = make_plan(facts, WISHES, machine)
    assert len(machine.plans) == 3
    assert plan.size.input_size < machine.plans[0].size.input_size
    steady = Machine(0.9)
    make_plan(make_facts(), WISHES, steady)
    assert len(steady.plans) == 2


def test_bfloat16_is_taken_where_it_is_clearly_faster():
    facts = make_facts(make_picture_facts((200, 200)), num_pictures=3000)
    plain, faster, as_fast = (
        make_plan(facts, WISHES, Machine(0.9, seconds)) for seconds in (2.0, 0.6, 0.85)
    )
    assert values(faster) | {"Compute.precision": "mixed_bfloat16"} == values(faster)
    assert "1.5 times as fast here" in faster.settings[-1].reason
    assert faster.budget.seconds == faster.measured.seconds == 0.6
    assert values(faster)["RunLength.total_steps"] == pytest.approx(
        1.5 * values(plain)["RunLength.total_steps"], rel=0.02
    )
    for plan in (plain, as_fast):
        assert "Compute.precision" not in values(plan)
        assert plan.budget.seconds == plan.measured.seconds == 0.9


def test_a_measured_step_is_small():
    plan = make_plan(make_facts(), WISHES, None)
    height, width = plan.size.train_size
    assert 1 <= plan.measured_part() <= plan.length.batch_size
    assert plan.measured_part() == 1 or plan.measured_part() * height * width <= 4e5
    assert not plan.budget.is_measured and plan.measured is None


@pytest.mark.parametrize(
    ("facts", "doubt"),
    [
        (make_facts(num_pictures=1), "1 training picture tells little"),
        (make_facts(make_picture_facts(darkness=0.05)), "quarter of the range"),
        (make_facts(make_picture_facts(stuff=False)), "data build --background"),
    ],
)
def test_doubts_name_the_way_out(facts, doubt):
    assert doubt in " ".join(make_plan(facts, WISHES, None).doubts)


def test_a_short_time_is_a_doubt():
    plan = make_plan(make_facts(), dataclasses.replace(WISHES, minutes=0.2), None)
    assert "steps are few" in " ".join(plan.doubts)


def test_every_setting_has_a_reason_in_one_line():
    for sides in ((9,) * 60, (40,) * 5, ()):
        plan = make_plan(make_facts(make_picture_facts(sides=sides)), WISHES, None)
        names = [setting.name for setting in plan.settings]
        assert len(names) == len(set(names))
        assert all(0 < len(s.reason) < 100 and "\n" not in s.reason for s in plan.settings)
