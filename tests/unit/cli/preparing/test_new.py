"""`maskconver new` refuses what cannot be meant, and passes the rest on."""

import pytest

from maskconver_tf.cli.main import main, make_parser
from tests.unit.planning.first_configuration.conftest import write_pictures


def error_of(capsys, *arguments: str) -> str:
    assert main(["new", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("minutes", ["0", "-3", "nan", "inf", "soon", "1e9"])
def test_impossible_minutes_are_refused(capsys, minutes):
    error = error_of(capsys, "data", "--out", "mine.gin", f"--minutes={minutes}")
    assert f"--minutes {minutes}: expected a number of minutes above 0" in error


@pytest.mark.parametrize("share", ["0", "1", "1.5", "-0.2", "nan", "20%"])
def test_impossible_shares_are_refused(capsys, share):
    error = error_of(capsys, "data", "--out", "mine.gin", f"--split={share}")
    assert f"--split {share}: expected the share" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "DATA"),
        (("data",), "--out"),
        (("", "--out", "mine.gin"), "DATA is empty"),
        (("data", "--out", "mine.gin", "--group_by", "folder"), "only --split uses it"),
        (("data", "--out", "mine.gin", "--split", ".2", "--group_by", "x"), "--group_by"),
        (("data", "--out", "mine.gin", "--orientation", "sideways"), "--orientation"),
        (("data", "--out", "mine.gin", "--eval_data", " "), "--eval_data is empty"),
        (("data", "--out", "mine.gin", "--minute", "3"), "did you mean '--minutes'"),
        (("no/such/data", "--out", "mine.gin"), "found nothing; expected a dataset folder"),
    ],
)
def test_wrong_input_gets_one_message(capsys, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in error_of(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_defaults():
    args = make_parser().parse_args(["new", "data", "--out", "mine.gin"])
    assert args.minutes == 30 and args.orientation == "upright" and args.split is None


def test_a_folder_of_pictures_becomes_an_experiment(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "coco", [f"{i}.png" for i in range(5)], "all")
    arguments = ["new", "coco", "--split", "0.2", "--out", "mine.gin", "--skip_measure"]
    assert main([*arguments, "--workers", "1"]) == 0
    assert "mine.gin: written" in capsys.readouterr().out
    assert "TRAIN_DATA = 'mine_data/train'" in (tmp_path / "mine.gin").read_text(encoding="utf-8")
