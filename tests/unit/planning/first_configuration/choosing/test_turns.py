"""Pictures are turned only if the user allows it and the input has room for it."""

import dataclasses

import numpy as np
import pytest

from maskconver_tf.planning.first_configuration.choosing.plan import Wishes, make_plan
from maskconver_tf.planning.first_configuration.choosing.turns import turn_settings
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts


def values(facts, orientation) -> dict:
    return {setting.name: setting.value for setting in turn_settings(facts, orientation)[0]}


@pytest.mark.parametrize(("size", "turned"), [((300, 400), True), ((300, 500), False)])
def test_pictures_of_any_orientation_are_mirrored_and_turned_if_they_are_not_long(size, turned):
    facts = make_facts(make_picture_facts(size))
    assert values(facts, "any") == {
        "TrainingInput.flip": True,
        "TrainingInput.vertical_flip": True,
        "TrainingInput.quarter_turns": turned,
    }
    height, width = make_plan(facts, Wishes(30.0, "any", True), None).size.input_size
    assert (height == width) is turned


def test_upright_pictures_are_mirrored_only():
    facts = make_facts(make_picture_facts((300, 400)))
    assert values(facts, "upright") == {"TrainingInput.flip": True}
    height, width = make_plan(facts, Wishes(30.0, "upright", True), None).size.input_size
    assert height < width


def test_pictures_without_a_top_are_a_doubt():
    level = make_picture_facts(sides=(5,) * 60, stuff=False, heights=np.linspace(0, 1, 60))
    topped = make_picture_facts(sides=(5,) * 60, stuff=False, heights=np.linspace(0, 0.3, 60))
    assert "--orientation any" in turn_settings(make_facts(level), "upright")[1][0]
    assert turn_settings(make_facts(topped), "upright")[1] == ()
    photographs = make_facts(dataclasses.replace(level, is_photograph=True))
    assert turn_settings(photographs, "upright")[1] == ()
