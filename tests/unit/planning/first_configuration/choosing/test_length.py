"""Steps, evaluations and rates fill the time and no more."""

import pytest

from maskconver_tf.planning.first_configuration.choosing.length import (
    choose_length,
    optimizer_settings,
)
from maskconver_tf.planning.first_configuration.choosing.models import PRETRAINED, SMALL
from maskconver_tf.planning.first_configuration.choosing.size import ChosenSize
from maskconver_tf.planning.first_configuration.choosing.time_budget import TimeBudget
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts


def size_of(side: int) -> ChosenSize:
    return ChosenSize((side, side), (side, side), 1.0, "")


def values(settings) -> dict:
    return {setting.name: setting.value for setting in settings}


@pytest.mark.parametrize("minutes", [0.1, 1, 10, 60, 1000])
@pytest.mark.parametrize("side", [64, 256, 1024])
@pytest.mark.parametrize("num_eval", [1, 100, 5000])
def test_the_length_fits_the_time_and_is_legal(minutes, side, num_eval):
    budget = TimeBudget(minutes, 1.0)
    length = choose_length(make_facts(num_eval=num_eval, num_pictures=10**6), size_of(side), budget)
    step = budget.seconds_of_picture((side, side)) * length.batch_size
    assert length.total_steps * step <= max(60 * minutes, step)
    assert (length.total_steps + 1) * step > 0.79 * 60 * minutes
    assert length.num_evaluations == 1 or (
        length.num_evaluations * length.evaluation_seconds <= 0.13 * 60 * minutes
    )
    assert 1 <= length.steps_per_loop <= length.total_steps
    assert length.eval_interval % length.steps_per_loop == 0
    assert length.eval_interval < length.total_steps
    assert length.batch_size * side * side <= 3e6


def test_many_segments_or_little_time_make_batches_small():
    crowded = make_facts(make_picture_facts(sides=(9,) * 60))
    budget = TimeBudget(60, 1.0)
    assert choose_length(make_facts(), size_of(128), budget).batch_size == 8
    assert choose_length(crowded, size_of(128), budget).batch_size == 4
    assert choose_length(make_facts(), size_of(512), TimeBudget(1, 1.0)).batch_size == 2


@pytest.mark.parametrize("minutes", [0.1, 5, 60])
def test_warm_up_and_averages_fit_the_steps(minutes):
    length = choose_length(make_facts(), size_of(160), TimeBudget(minutes, 1.0))
    found = values(optimizer_settings(SMALL, length))
    assert 1 <= found["make_optimizer.warmup_steps"] <= max(1, length.total_steps // 20)
    assert 0.9 <= found["make_optimizer.ema_decay"] <= 0.998
    assert found["make_optimizer.learning_rate"] in (3e-3, 2.1e-3)


@pytest.mark.parametrize(("num_pictures", "steps"), [(1, 400), (40, 1500)])
def test_few_pictures_do_not_come_without_end(num_pictures, steps):
    facts = make_facts(num_pictures=num_pictures)
    length = choose_length(facts, size_of(64), TimeBudget(1000, 1.0))
    assert length.total_steps == steps and length.is_cut


def test_the_reason_of_the_learning_rate_tells_if_batches_made_it_smaller():
    for minutes in (0.5, 60):
        length = choose_length(make_facts(), size_of(160), TimeBudget(minutes, 1.0))
        rate = optimizer_settings(SMALL, length)[0]
        is_smaller = length.batch_size < 4
        assert rate.value == (2.1e-3 if is_smaller else 3e-3)
        assert rate.reason.startswith("0.7 times that of the" if is_smaller else "as in the")
        assert ("batches are small" in rate.reason) is is_smaller


def test_pretrained_weights_learn_slower():
    length = choose_length(make_facts(), size_of(160), TimeBudget(60, 1.0))
    assert values(optimizer_settings(PRETRAINED, length))["make_optimizer.learning_rate"] == 1e-3
