"""A run that starts from the weights of another run, by the command line."""

from __future__ import annotations

import json

import pytest

from maskconver_tf.cli.main import main

STANDING_STILL = [
    "RunLength.total_steps=2",
    "make_optimizer.learning_rate=1e-9",
    "make_optimizer.ema_statistics=False",
]
"""A run with these settings keeps the score of the weights that it starts from.

Averages of statistics would forget the start: after two steps they are those of two small batches.
"""


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "exported"
    arguments = ["export", "--model", str(trained), "--out", str(out)]
    assert main([*arguments, "--model_only", "--skip_measure"]) == 0
    return out


def test_a_run_starts_with_the_score_of_its_export(
    trained, exported, tiny_arguments, tmp_path, capsys
):
    settings = [*STANDING_STILL, f"train.init_from='{exported}'"]
    assert main(tiny_arguments(tmp_path / "run", *settings)) == 0
    output = capsys.readouterr().out
    assert f"init_from {exported}/1/variables" in output and "re-initialised" not in output
    # The score is that of the averaged weights. Averages of random weights would score nothing.
    expected = json.loads((trained / "best/score.json").read_text())["pq"]
    found = json.loads((tmp_path / "run/best/score.json").read_text())["pq"]
    assert found == pytest.approx(expected, abs=0.1)


def test_a_missing_start_is_one_message(tiny_arguments, tmp_path, capsys):
    assert main(tiny_arguments(tmp_path / "run", "train.init_from='nowhere'")) == 2
    message = capsys.readouterr().err
    assert "train.init_from = 'nowhere': found neither a run" in message
    assert "Traceback" not in message
