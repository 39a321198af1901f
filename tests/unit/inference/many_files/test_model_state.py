"""Which changes of a model make its predictions outdated."""

import os

from maskconver_tf.inference.many_files.model_state import model_state


def _write(path, text="1"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_run_changes_with_its_weights_and_settings_only(tmp_path):
    for name in ("config.gin", "best/w.index", "checkpoints/c.index", "summaries/e", "run.json"):
        _write(tmp_path / name)
    first = model_state(str(tmp_path))
    for name in ("checkpoints/d.index", "summaries/f", "results.json"):
        _write(tmp_path / name)
    _write(tmp_path / "run.json", "22")
    assert model_state(str(tmp_path)) == first
    os.utime(tmp_path / "best/w.index", ns=(1, 1))
    second = model_state(str(tmp_path))
    _write(tmp_path / "thresholds.json")
    third = model_state(str(tmp_path))
    assert len({first, second, third}) == 3


def test_a_run_without_best_weights_changes_with_its_checkpoints(tmp_path):
    _write(tmp_path / "checkpoints/c.index")
    first = model_state(str(tmp_path))
    _write(tmp_path / "checkpoints/d.index")
    assert model_state(str(tmp_path)) != first


def test_a_model_in_a_bucket_is_its_name():
    assert model_state("gs://bucket/run") == "gs://bucket/run"
