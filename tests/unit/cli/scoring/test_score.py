"""`maskconver score` from the command line to its files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from maskconver_tf.cli.main import main
from tests.unit.evaluation.scoring.small_files import MAP, SmallFiles, write_map


@pytest.fixture
def files(tmp_path) -> SmallFiles:
    files = SmallFiles(tmp_path)
    write_map(files.pred.with_suffix("") / "8.png", np.where(MAP == 1, 2, 1))
    return files


def test_the_files_are_read_back(files, tmp_path, capsys):
    out = tmp_path / "new" / "scores"
    assert main(["score", *files.arguments, "--workers", "1", "--out", str(out)]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["all"]["pq"] == 50 and results["pictures"] == 2
    shown = capsys.readouterr().out
    assert "All     50.0" in shown and str(out) in shown and "AP" in shown
    classes = list(csv.DictReader((out / "per_class.csv").open()))
    for row in classes:
        entry = results["per_class"][row.pop("class")]
        known = {key: str(entry[key]) for key in row if entry.get(key) is not None}
        assert {key: value for key, value in row.items() if value} == known
    pictures = list(csv.DictReader((out / "per_picture.csv").open()))
    assert [(row["image_id"], float(row["pq"])) for row in pictures] == [("7", 100.0), ("8", 0.0)]
    assert pictures[1]["file"] == str(files.truth.with_suffix("") / "8.png")


def test_two_models_are_compared_on_the_same_pictures(files, tmp_path, capsys):
    arguments = ["--against", str(files.truth), "--out", str(tmp_path / "out"), "--boundary"]
    assert main(["score", *files.arguments, *arguments, "--workers", "1"]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    found = results["difference"]["all/pq"]
    assert found["difference"] == -50 and results["against"]["all"]["pq"] == 100
    assert found["interval"] == [-100, 0]
    assert results["difference"]["boundary/all/pq"]["difference"] == -50
    assert (tmp_path / "out" / "against_per_class.csv").is_file()
    assert "-50.0" in capsys.readouterr().out


def test_a_model_against_itself_differs_by_nothing(files, tmp_path):
    arguments = ["--against", str(files.pred), "--out", str(tmp_path / "out"), "--workers", "2"]
    assert main(["score", *files.arguments, *arguments]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    for entry in results["difference"].values():
        assert (entry["difference"], entry["interval"]) == (0, [0, 0])


def test_an_error_names_picture_and_file(files, capsys):
    (files.pred.with_suffix("") / "8.png").write_bytes(b"no picture")
    assert main(["score", *files.arguments]) == 2
    message = capsys.readouterr().err
    assert "maskconver: error: image 8: " in message and "8.png: cannot be read" in message


def test_missing_predictions_are_told(files, capsys):
    with files.edit(files.pred) as entries:
        del entries[0]
    assert main(["score", *files.arguments, "--workers", "1"]) == 2
    assert "--allow_missing" in capsys.readouterr().err
    assert main(["score", *files.arguments, "--workers", "1", "--allow-missing"]) == 0
    assert "Missing predictions, counted as empty: 1" in capsys.readouterr().out


def test_a_truth_without_segments_is_told(files, capsys):
    assert main(["score", *files.arguments, "--workers", "1"]) == 0
    assert "No picture of the truth has a segment" not in capsys.readouterr().out
    for path in (files.truth, files.pred):
        with files.edit(path) as entries:
            for entry in entries:
                entry["segments_info"] = []
                write_map(path.with_suffix("") / entry["file_name"], np.zeros_like(MAP))
    assert main(["score", *files.arguments, "--workers", "1"]) == 0
    assert "No picture of the truth has a segment" in capsys.readouterr().out


@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_the_default_tells_what_cocos_program_gives(files, capsys, strict):
    with files.edit(files.truth) as entries:
        entries[0]["segments_info"][0]["area"] = 400
    assert main(["score", *files.arguments, "--workers", "1", *strict]) == 0
    shown = capsys.readouterr().out
    told = "COCO's program would give PQ 25.0 (-25.000). It trusts the areas in the truth's file"
    assert (f"{told}; 1 picture has" in shown) == (not strict)
    assert ("All     25.0" in shown) == bool(strict)


@pytest.mark.parametrize("area", [0, -3])
def test_an_area_below_one_is_trusted_unless_it_makes_a_union_empty(files, tmp_path, capsys, area):
    """With area 0 COCO's program gives an infinite PQ, which is no number in JSON."""
    with files.edit(files.truth) as entries:
        entries[0]["segments_info"][0]["area"] = area
    arguments = ["score", *files.arguments, "--workers", "1"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out/results.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["all"]["pq"] == 50.0
    told = "no finite PQ" if area == 0 else "PQ 25.0"
    assert f"COCO's program would give {told}" in capsys.readouterr().out
    assert main([*arguments, "--strict"]) == (2 if area == 0 else 0)
    shown = capsys.readouterr()
    assert ("image 7: segment 1 of the truth has area 0" in shown.err) == (area == 0)
    assert ("All     25.0" in shown.out) == (area != 0)


def test_folders_need_a_coding(tmp_path, capsys):
    assert main(["score", "--truth", str(tmp_path), "--pred", str(tmp_path)]) == 2
    assert "--coding" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--workers", "0"), ("--divisor", "0")])
def test_numbers_below_one(files, option, value, capsys):
    assert main(["score", *files.arguments, option, value]) == 2
    assert option in capsys.readouterr().err


def test_a_coding_does_not_fit_files(files, capsys):
    assert main(["score", *files.arguments, "--coding", "id_maps"]) == 2
    assert "which is no folder" in capsys.readouterr().err


def test_the_files_are_whole_if_nobody_reads_the_tables(files, tmp_path, monkeypatch):
    def closed(text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(sys.stdout, "write", closed)
    with pytest.raises(BrokenPipeError):
        main(["score", *files.arguments, "--workers", "1", "--out", str(tmp_path / "out")])
    assert json.loads((tmp_path / "out" / "results.json").read_text())["pictures"] == 2


def test_tensorflow_is_not_loaded(files):
    program = (
        "import sys; from maskconver_tf.cli.main import main; "
        f"main(['score', *{files.arguments!r}, '--workers', '1']); "
        "assert not {'tensorflow', 'tf_keras', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
