"""Averages of batch norms' statistics on two logical replicas: each sees half of a batch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.training.moving_averages import averaged_weights
from maskconver_tf.training.run_files.checkpoints import make_checkpoint_manager
from tests.unit.training.test_moving_averages import (
    averaged_statistics,
    expected_averages,
    small_step,
    statistics,
)


def _averaged_weights(training_step) -> list[float]:
    with averaged_weights(training_step.optimizer, training_step.model):
        return [variable.numpy().item() for variable in training_step.model.trainable_variables]


@pytest.mark.parametrize("settings", [{}, {"max_skipped": 2}], ids=["plain", "max_skipped"])
def test_two_replicas_average_the_statistics_of_the_whole_batch(two_devices, settings):
    training_step = small_step(two_devices, **settings)
    training_step.train(tf.constant(5))
    live = statistics(training_step)
    assert averaged_statistics(training_step) == pytest.approx(expected_averages(5), rel=1e-4)
    assert statistics(training_step) == live
    one = small_step(**settings)
    one.train(tf.constant(5))
    assert live == pytest.approx(statistics(one), rel=1e-4)
    assert _averaged_weights(training_step) == pytest.approx(_averaged_weights(one), rel=1e-4)


def test_the_averages_of_a_run_on_two_replicas_go_on_where_it_continues(two_devices, tmp_path):
    first = small_step(two_devices)
    manager = make_checkpoint_manager(tmp_path, first.model, first.optimizer, 1, 1)
    first.train(tf.constant(3))
    manager.save()
    for strategy in (None, two_devices):
        second = small_step(strategy)
        make_checkpoint_manager(tmp_path, second.model, second.optimizer, 1, 1)
        np.testing.assert_allclose(averaged_statistics(second), averaged_statistics(first), 1e-6)
        second.train(tf.constant(2))
        assert averaged_statistics(second) == pytest.approx(expected_averages(5), rel=1e-4)
