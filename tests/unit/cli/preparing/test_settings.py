"""The command `maskconver settings`."""

from __future__ import annotations

import subprocess
import sys

from maskconver_tf.cli.main import main


def test_it_prints_what_a_word_finds(capsys):
    assert main(["settings", "batch-size"]) == 0
    out = capsys.readouterr().out
    assert "TrainingInput.batch_size\n      whole number, in pictures; default 8" in out
    assert "learning_rate\n" not in out


def test_it_prints_all_settings_without_a_word(capsys):
    assert main(["settings"]) == 0
    assert capsys.readouterr().out.count("Change it:") > 200


def test_it_writes_the_page(tmp_path, capsys):
    page = tmp_path / "settings.md"
    assert main(["settings", "--markdown", str(page)]) == 0
    assert page.read_text().startswith("# Settings\n")
    assert str(page) in capsys.readouterr().out


def test_mistakes_are_named(tmp_path, capsys):
    assert main(["settings", "bacth_size"]) == 2
    assert "TrainingInput.batch_size" in capsys.readouterr().err
    assert main(["settings", "rate", "--markdown", str(tmp_path / "x.md")]) == 2
    assert "leave out the words" in capsys.readouterr().err
    missing = tmp_path / "no" / "x.md"
    assert main(["settings", "--markdown", str(missing)]) == 2
    assert str(missing) in capsys.readouterr().err


def test_it_loads_neither_tensorflow_nor_gin():
    code = (
        "import sys; from maskconver_tf.cli.main import main; main(['settings', 'rate']);"
        "sys.exit(bool({'tensorflow', 'gin', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
