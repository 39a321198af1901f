"""Counts and times agree with their nouns."""

import pytest

from maskconver_tf.planning.first_configuration import wording


@pytest.mark.parametrize(("number", "text"), [(0, "0 steps"), (1, "1 step"), (924, "924 steps")])
def test_counts(number, text):
    assert wording.counted(number, "step") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0343, "0.034 seconds"),
        (0.999, "1 second"),
        (1.04, "1 second"),
        (1.06, "1.1 seconds"),
        (9.99, "10 seconds"),
        (123.4, "123 seconds"),
    ],
)
def test_the_time_of_a_step(seconds, text):
    assert wording.format_step(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 second"),
        (40.4, "40 seconds"),
        (60, "60 seconds"),
        (91, "2 minutes"),
        (150, "2 minutes"),
        (5399, "90 minutes"),
        (9000, "2.5 hours"),
    ],
)
def test_a_time(seconds, text):
    assert wording.format_seconds(seconds) == text


def test_minutes():
    assert [wording.format_minutes(m) for m in (1, 0.5, 30.0)] == [
        "1 minute",
        "0.5 minutes",
        "30 minutes",
    ]
