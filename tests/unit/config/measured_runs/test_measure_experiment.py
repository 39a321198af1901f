"""Real steps of an experiment are measured, and its mistakes are found before it is written."""

import pytest

from maskconver_tf.config.measured_runs.measure_experiment import measure_experiment
from maskconver_tf.errors import UserError

EXPERIMENT = """
include 'experiments/model/tiny.gin'

TRAIN_DATA = {data!r}
EVAL_DATA = {data!r}
INPUT_SIZE = (64, 64)
MaskConver.center_levels = (3,)
TargetBuilder.level_bounds = ()
TargetBuilder.num_slots = 8
TrainingInput.batch_size = 2
"""


def test_steps_are_measured(make_dataset):
    text = EXPERIMENT.format(data=str(make_dataset(["0.png", "1.png"])))
    found = measure_experiment(text, 2)
    assert found.device in ("CPU", "GPU")
    assert 0.001 < found.seconds < 10_000
    # 0.9 million weights, their gradients and the two slots of AdamW take 14 MB.
    assert 14e6 < found.memory_bytes < 1e9


def test_a_setting_without_effect_is_refused(make_dataset):
    text = EXPERIMENT.format(data=str(make_dataset(["0.png"]))) + "MISTYPED = 3\n"
    with pytest.raises(UserError, match="MISTYPED"):
        measure_experiment(text, 1)
