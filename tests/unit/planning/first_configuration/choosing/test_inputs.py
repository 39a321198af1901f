"""Slots, proposals, labels and augmentation follow from the fullest picture and the epochs."""

import numpy as np
import pytest

from maskconver_tf.planning.dataset_check.advice.settings_advice import MOST_CUT, share_cut
from maskconver_tf.planning.first_configuration.choosing.inputs import (
    augmentation_settings,
    fusion_settings,
    label_settings,
    num_proposals,
    num_slots,
)
from maskconver_tf.planning.first_configuration.choosing.length import choose_length
from maskconver_tf.planning.first_configuration.choosing.model_choice import ChosenModel
from maskconver_tf.planning.first_configuration.choosing.models import SMALL, SMALL_CROWDED
from maskconver_tf.planning.first_configuration.choosing.size import ChosenSize, enlarged
from maskconver_tf.planning.first_configuration.choosing.time_budget import TimeBudget
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts

WHOLE = ChosenSize((240, 240), (240, 240), 1.0, "")
CROPS = ChosenSize((480, 480), (240, 240), 2.0, "")


def values(settings) -> dict:
    return {setting.name: setting.value for setting in settings}


def augmentation(size=WHOLE, minutes=5.0, **changes) -> dict:
    facts = make_facts(**changes)
    length = choose_length(facts, size, TimeBudget(minutes, 1.0))
    return values(augmentation_settings(facts, size, length, []))


@pytest.mark.parametrize("most", [1, 7, 60, 150, 500, 3000, 65535])
def test_every_segment_of_the_fullest_picture_gets_a_slot_and_a_proposal(most):
    assert num_slots(most) >= min(most, 65528) and num_slots(most) % 8 == 0
    assert num_slots(most) <= 65535
    assert num_proposals(most) >= 1.5 * most and num_proposals(most) >= 100


def test_a_picture_that_was_not_looked_at_counts():
    found = values(label_settings(make_facts(most_segments=700), WHOLE, ChosenModel(SMALL, "")))
    assert found["TargetBuilder.num_slots"] > 700 and found["MaskConver.num_proposals"] >= 1050


@pytest.mark.parametrize(("side", "stride"), [(10, 1), (60, 2)])
def test_labels_are_finer_for_small_things(side, stride):
    facts = make_facts(make_picture_facts(sides=(side,) * 5))
    found = values(label_settings(facts, WHOLE, ChosenModel(SMALL_CROWDED, "")))
    assert found["TargetBuilder.label_stride"] == stride
    assert len(found["TargetBuilder.level_bounds"]) == 3


@pytest.mark.parametrize(("mask_level", "expected"), [(2, True), (1, None)])
def test_masks_at_stride_4_see_the_finest_level(mask_level, expected):
    chosen = ChosenModel(SMALL, "", mask_level=mask_level)
    found = values(label_settings(make_facts(), WHOLE, chosen))
    assert found.get("MaskConver.mask_lateral") is expected


def test_few_pictures_are_augmented_more():
    few, many = augmentation(num_pictures=10), augmentation(num_pictures=5000)
    assert few["TrainingInput.scale_range"] == (0.7, 1.5) and "TrainingInput.color_jitter" in few
    assert many["TrainingInput.scale_range"] == (0.8, 1.25)
    assert "TrainingInput.color_jitter" not in many


@pytest.mark.parametrize(("num_pictures", "wide"), [(10, (0.7, 1.5)), (5000, (0.8, 1.25))])
@pytest.mark.parametrize("side", [20, 120, 230])
def test_large_scales_cut_few_things(num_pictures, wide, side):
    facts = make_facts(make_picture_facts(sides=(side,)), num_pictures=num_pictures)
    length = choose_length(facts, WHOLE, TimeBudget(5.0, 1.0))
    setting, *_ = augmentation_settings(facts, WHOLE, length, [])
    low, high = setting.value
    assert low == wide[0] and (side > 20 or high == wide[1]) and (side < 230 or high < wide[1])
    cut = share_cut((240, 240), np.array([side]), (240, 240), (low, high))
    assert cut <= MOST_CUT or high == 1.0
    assert ("would cut many things" in setting.reason) is (high < wide[1])


def test_crops_are_seen_at_the_scale_of_evaluation():
    low, high = augmentation(CROPS, num_pictures=5000)["TrainingInput.scale_range"]
    assert (low, high) == (1.6, 2.5)


def test_masks_of_narrow_things_have_stride_2_and_pictures_are_scored_larger():
    size = enlarged(ChosenSize((256, 224), (256, 224), 1.0, ""))
    assert size.input_size == (384, 320) and size.train_size == (256, 224) and not size.crops
    facts = make_facts(make_picture_facts((256, 224), sides=(10,) * 60))
    found = values(label_settings(facts, size, ChosenModel(SMALL_CROWDED, "", mask_level=1)))
    assert found["MaskConver.mask_level"] == 1 and found["TargetBuilder.label_stride"] == 1
    usual = values(label_settings(facts, WHOLE, ChosenModel(SMALL_CROWDED, "")))
    assert "MaskConver.mask_level" not in usual
    low, high = augmentation(size)["TrainingInput.scale_range"]
    assert low < 1.5 < high


def test_crops_are_not_scored_larger():
    assert enlarged(CROPS) == CROPS


def test_large_datasets_are_not_kept_in_memory():
    assert "TrainingInput.cache" in augmentation()
    assert "TrainingInput.cache" not in augmentation(num_bytes=20_000_000_000)


@pytest.mark.parametrize("stuff", [True, False])
def test_stuff_beside_things_has_thresholds_of_its_own(stuff):
    facts = make_facts(make_picture_facts(stuff=stuff))
    length = choose_length(facts, WHOLE, TimeBudget(5, 1.0))
    found = values(fusion_settings(facts, length))
    names = "stuff_score_threshold", "stuff_overlap_threshold"
    assert all((f"PanopticFusion.{name}" in found) == stuff for name in names)


@pytest.mark.parametrize(("side", "expected"), [(3, 4), (4, 8), (20, None)])
def test_the_least_area_keeps_the_smallest_segments(side, expected):
    facts = make_facts(make_picture_facts(sides=(side,) * 5, stuff=False))
    length = choose_length(facts, WHOLE, TimeBudget(5, 1.0))
    assert values(fusion_settings(facts, length)).get("PanopticFusion.min_area") == expected
