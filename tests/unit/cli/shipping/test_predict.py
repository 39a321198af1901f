"""`maskconver predict` with stand-ins for what it calls."""

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
