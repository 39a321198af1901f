"""Real steps of an experiment are measured, and its mistakes are found before it is written."""

import pytest

from maskconver_tf.config.measured_runs.measure_experiment import measure_experiment
from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.new_experiment import NewRequest, new_experiment


def test_what_new_writes_takes_training_steps(make_dataset, names, tmp_path):
    data, out = make_dataset(names), str(tmp_path / "mine.gin")
    measured = []

    def measure(text: str, part_size: int):
        measured.append(measure_experiment(text, part_size))
        return measured[-1]

    report = new_experiment(NewRequest(str(data), out, 30.0, workers=1, progress=False), measure)
    assert len(measured) == 1 and measured[0].device in ("CPU", "GPU")
    assert 0.001 < measured[0].seconds < 10_000
    # 1.6 million weights, their averages and gradients and the two slots of AdamW: 5 x 6.5 MB.
    assert 30e6 < measured[0].memory_bytes < 1e9
    assert "measured here" in report and "memory: about" in report


def test_a_setting_without_effect_is_refused(make_dataset):
    data = str(make_dataset(["0.png"]))
    lines = [
        "include 'experiments/model/tiny.gin'",
        f"TRAIN_DATA = {data!r}",
        f"EVAL_DATA = {data!r}",
    ]
    with pytest.raises(UserError, match="MISTYPED"):
        measure_experiment("\n".join([*lines, "MISTYPED = 3"]), 1)
