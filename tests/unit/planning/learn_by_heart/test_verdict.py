"""The verdict tells a broken input, a short training and one that is stuck apart."""

from __future__ import annotations

import dataclasses

import pytest

from maskconver_tf.planning.learn_by_heart.verdict import (
    Outcome,
    describe,
    describe_faults,
    fallen_in_last_quarter,
)

LEARNED = Outcome(
    pq={0.1: 85.0, 0.2: 88.0, 0.5: 40.0},
    ceiling=97.0,
    losses=[(step, 20.0 / step) for step in range(1, 17)],
    total_steps=400,
    learning_rate=3e-3,
    borders_agree=True,
)
FAILED = dataclasses.replace(LEARNED, pq={0.1: 12.0, 0.2: 30.0})


def test_a_learned_set_names_the_best_threshold():
    assert LEARNED.passed
    assert LEARNED.best_threshold == 0.2
    text = describe(LEARNED)
    assert "  score threshold 0.5   PQ  40.0\n" in text
    assert "learned by heart: PQ 88.0 at score threshold 0.2" in text
    assert "a perfect model has 97.0. Labels, sizes and classes are right" in text


def test_the_measure_is_the_ceiling_not_100():
    low = dataclasses.replace(LEARNED, pq={0.2: 50.0}, ceiling=60.0)
    assert low.passed
    assert not dataclasses.replace(low, ceiling=97.0).passed


def test_learned_pictures_without_visible_borders_get_a_note():
    text = describe(dataclasses.replace(LEARNED, borders_agree=None))
    assert "train on all pictures. But note: the borders" in text


def test_a_falling_loss_is_a_short_training():
    text = describe(FAILED)
    assert "not learned by heart: PQ 30.0" in text
    assert "The input is right" in text
    assert "too short: the loss fell from 20.00 to 1.25" in text
    assert "--total_steps 800" in text
    assert "broken" not in text


def test_a_standing_loss_is_no_short_training():
    flat = [(step, 5.0 - 0.001 * step) for step in range(16)]
    text = describe(dataclasses.replace(FAILED, losses=flat))
    assert "stands still" in text
    assert "make_optimizer.learning_rate (now 0.003)" in text
    assert "too short" not in text


def test_borders_without_edges_make_the_input_suspect():
    text = describe(dataclasses.replace(FAILED, borders_agree=None))
    assert "The input may be broken" in text
    assert "too short" not in text


def test_a_run_that_was_complete_before_asks_for_more_steps():
    assert "raise --total_steps above 400" in describe(dataclasses.replace(FAILED, losses=[]))


def test_faults_say_that_nothing_was_trained():
    text = describe_faults(["the labels lie low", "another"])
    assert "nothing was trained:\n- the labels lie low\n- another\n" in text


@pytest.mark.parametrize(
    ("losses", "fallen"),
    [([8, 8, 4, 2], 0.5), ([1, 1, 2, 3], -0.5), ([9, 9, 8, 4, 2, 2, 1, 1], 0.5), ([3, 2, 1], None)],
)
def test_fallen_in_last_quarter(losses, fallen):
    assert fallen_in_last_quarter([*enumerate(losses)]) == fallen
