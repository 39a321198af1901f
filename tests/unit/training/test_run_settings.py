"""Wrong settings are named as soon as they are set."""

from __future__ import annotations

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.training.run_settings import Compute, RunLength, Saving
from maskconver_tf.training.train import train


@pytest.mark.parametrize(
    ("settings", "values", "message"),
    [
        (
            RunLength,
            {"total_steps": 0},
            "RunLength.total_steps = 0 .*: expected a whole number from",
        ),
        (RunLength, {"total_steps": 1e4}, "RunLength.total_steps = 10000.0 .*: expected a whole"),
        (RunLength, {"steps_per_loop": 0}, "RunLength.steps_per_loop = 0 .*: expected a"),
        (RunLength, {"eval_interval": -1}, "RunLength.eval_interval = -1 .*: expected a"),
        (Compute, {"accumulation_steps": 0}, "Compute.accumulation_steps = 0 .*: expected a whole"),
        (Saving, {"keep_checkpoints": 0}, "Saving.keep_checkpoints = 0 .*: expected a"),
        (
            Saving,
            {"checkpoint_interval": "9"},
            "Saving.checkpoint_interval = '9' .*: expected a",
        ),
    ],
)
def test_a_count_out_of_range_is_named(settings, values, message):
    with pytest.raises(UserError, match=message):
        settings(**values)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"max_skipped": -1}, "train.max_skipped = -1 .*: expected a whole number from 0"),
        ({"seed": None}, "train.seed = None: expected a whole number from 0"),
    ],
)
def test_train_checks_its_counts_before_it_makes_the_folder(tmp_path, setting, message):
    settings = {"length": RunLength(), "compute": Compute(), "saving": Saving()}
    with pytest.raises(UserError, match=message):
        train(str(tmp_path / "run"), None, None, **settings, **setting)
    assert not (tmp_path / "run").exists()
