"""`maskconver export` with stand-ins for what it calls."""

from __future__ import annotations

import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.cli.shipping import export
from maskconver_tf.export.served_model.options import ExportOptions, Origin
from maskconver_tf.files.graph_decoding.any_picture import DEFAULT_MAX_PIXELS

ARGUMENTS = ["export", "--model", "m", "--out", "o"]
ORIGIN = Origin("abc", {"command": "c"}, "a.b = 1")


@pytest.fixture
def exported(calls, monkeypatch):
    """Calls of `load_run` and `export_saved_model`."""
    monkeypatch.setattr(export, "_origin", lambda model: ORIGIN)
    loaded = calls("config.roots", "load_run", result="segmenter")
    return loaded, calls("export.saved_model", "export_saved_model", result="o/1")


def test_export_writes_the_run_with_its_overrides(exported, capsys):
    assert main([*ARGUMENTS, "--gin.A.b=1", "--min_area", "4"]) == 0
    loaded, written = exported
    assert loaded == [(("m", ["A.b=1"], {"min_area": 4}), {})]
    assert written == [(("segmenter", "o", ExportOptions(measure=True), ORIGIN), {})]
    assert capsys.readouterr().out == "o/1: exported; TensorFlow Serving watches o\n"


def test_options_reach_the_export(exported):
    options = ["--to", "saved_model", "--batch_sizes", "8, 1,8", "--max_pixels", "900"]
    switches = ["--bfloat16", "--xla", "--model_only", "--skip_measure"]
    assert main([*ARGUMENTS, *options, *switches]) == 0
    (((_, bindings, _), _),), (((_, _, chosen, _), _),) = exported
    assert bindings == [
        "restore_segmenter.precision='mixed_bfloat16'",
        "restore_segmenter.jit_compile=True",
    ]
    assert chosen == ExportOptions(900, (1, 8), model_only=True, measure=False)


def test_the_default_limit_is_that_of_the_decoding_graph(exported):
    assert main(ARGUMENTS) == 0
    assert exported[1][0][0][2].max_pixels == DEFAULT_MAX_PIXELS == 50_000_000


@pytest.mark.parametrize("sizes", ["0", "1,0", "2000", "a", "1,,2", "", "-1", "1.5"])
def test_wrong_batch_sizes_are_one_message(exported, sizes, capsys):
    assert main([*ARGUMENTS, f"--batch_sizes={sizes}"]) == 2
    message = capsys.readouterr().err
    assert f"--batch_sizes {sizes}: expected" in message and "such as 1,8" in message


def test_an_unknown_runtime_is_one_message(exported, capsys):
    assert main([*ARGUMENTS, "--to", "saved_modell"]) == 2
    assert "saved_model" in capsys.readouterr().err
