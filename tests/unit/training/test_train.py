from __future__ import annotations

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.training.train import train


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"total_steps": 0}, r"train.total_steps = 0: expected a whole number from 1"),
        ({"total_steps": 1e4}, r"train.total_steps = 10000.0: expected a whole number from 1"),
        ({"steps_per_loop": 0}, r"train.steps_per_loop = 0: expected a whole number from 1"),
        ({"accumulation_steps": 0}, r"accumulation_steps = 0: expected a whole number from 1"),
        ({"keep_checkpoints": 0}, r"keep_checkpoints = 0: expected a whole number from 1"),
        ({"max_skipped": -1}, r"train.max_skipped = -1: expected a whole number from 0"),
        ({"seed": None}, r"train.seed = None: expected a whole number from 0"),
    ],
)
def test_a_count_that_makes_no_run_is_named_before_anything_is_done(tmp_path, setting, message):
    with pytest.raises(UserError, match=message):
        train(str(tmp_path / "run"), None, None, None, None, **setting)
    assert not (tmp_path / "run").exists()
