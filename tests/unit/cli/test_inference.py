"""`maskconver predict` and `maskconver export` with stand-ins for what they call."""

from __future__ import annotations

import sys

import maskconver_tf
from maskconver_tf.cli.main import main


def test_predict_checks_the_pictures_before_it_loads_the_model(calls, monkeypatch):
    order = []
    calls("inference.predict_files", "check_pictures_exist")
    fake = sys.modules["maskconver_tf.inference.predict_files"]
    fake.check_pictures_exist = lambda images: order.append(("check", images))
    fake.predict_files = lambda *args: order.append(("predict", *args))
    monkeypatch.setattr(maskconver_tf, "load", lambda *args: order.append(("load", *args)) or "p")
    argv = ["predict", "--model", "m", "a.jpg", "b.jpg", "--out", "o", "--score-threshold", "0.4"]
    argv += ["--max-pixels", "200000000"]
    assert main(argv) == 0
    assert order == [
        ("check", ["a.jpg", "b.jpg"]),
        ("load", "m", 0.4),
        ("predict", "p", ["a.jpg", "b.jpg"], "o", 200_000_000),
    ]


def test_export_writes_the_run_with_its_overrides(calls, capsys):
    loaded = calls("config.roots", "load_run", result="segmenter")
    exported = calls("export.saved_model", "export_saved_model", result="o/1")
    assert main(["export", "--model", "m", "--out", "o", "--gin.A.b=1"]) == 0
    assert loaded == [(("m", ["A.b=1"]), {})]
    assert exported == [(("segmenter", "o"), {})]
    assert capsys.readouterr().out == "o/1: exported; TensorFlow Serving watches o\n"
