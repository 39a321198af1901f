"""Wrong settings are named as soon as they are set."""

from __future__ import annotations

import types

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.training.optimizers import make_optimizer
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
        ({"seed": -1}, "train.seed = -1 .*: expected a whole number from 0 to 4294967295"),
        ({"seed": 2**32}, "train.seed = 4294967296 .*: expected a whole number from 0"),
        ({"init_from": 7}, "train.init_from = 7 .*: expected text in quotes"),
        ({"task": "panoptic"}, r"train.task = 'panoptic' \(text\).*; write .* = @PanopticTask\(\)"),
        ({"length": RunLength}, r"train.length = .*: expected .*; write .* = @RunLength\(\)"),
        ({"compute": None}, r"train.compute = None: expected .*; write .* = @Compute\(\)"),
        ({"saving": 3}, r"train.saving = 3 .*: expected .*; write .* = @Saving\(\)"),
        ({"optimizer": "adamw"}, r"train.optimizer = 'adamw' .*; write .* = @make_optimizer$"),
        ({"seed": None}, "train.seed = None: expected a whole number from 0"),
    ],
)
def test_train_checks_its_counts_before_it_makes_the_folder(tmp_path, setting, message):
    task = types.SimpleNamespace(train_input=None)
    settings = {"length": RunLength(), "compute": Compute(), "saving": Saving()}
    settings |= {"task": task, "optimizer": make_optimizer} | setting
    with pytest.raises(UserError, match=message):
        train(str(tmp_path / "run"), **settings)
    assert not (tmp_path / "run").exists()
