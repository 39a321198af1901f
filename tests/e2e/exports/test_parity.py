"""`maskconver parity` on pictures, and on an export as SavedModel."""

from __future__ import annotations

import re

import pytest

from maskconver_tf.cli.main import main
from tests.e2e.exports.threshold import THRESHOLD


@pytest.fixture(scope="module")
def pictures(scenes) -> list[str]:
    return [str(path) for path in sorted((scenes / "images/train").iterdir())[:2]]


def table_of(text: str) -> dict[str, tuple[float, int, int, str]]:
    """Form -> percent of equal pixels, unmatched segments, segments, PQ as printed."""
    pattern = r"(\S.*?) +([\d.]+) % +(\d+) of (\d+) +([\d.]+) +(\S+)"
    found = [re.fullmatch(pattern, line) for line in text.splitlines()]
    return {m[1]: (float(m[2]), int(m[3]), int(m[4]), m[6]) for m in found if m}


def test_a_saved_model_equals_its_run_on_pictures_without_truth(
    trained, exported, pictures, capsys
):
    arguments = ["parity", "--model", str(trained), "--exports", str(exported[0])]
    threshold = ["--score_threshold", str(THRESHOLD)]
    assert main([*arguments, *threshold, "--images", *pictures]) == 0
    table = table_of(capsys.readouterr().out)
    assert list(table) == ["evaluation", "Python API", "exported (SavedModel)"]
    counts = {segments for _, _, segments, _ in table.values()}
    assert len(counts) == 1 and counts.pop() > len(pictures)
    for percent, unmatched, _, pq in table.values():
        assert percent > 99.9 and unmatched == 0
        assert pq == "-"


def test_a_saved_model_gets_the_thresholds_of_the_call_and_pq_with_truth(
    trained, exported, dataset, capsys
):
    arguments = ["parity", "--model", str(trained), "--exports", str(exported[0])]
    threshold = ["--score_threshold", "0.4", "--min_area", "30"]
    assert main([*arguments, *threshold, "--data", str(dataset), "--num_pictures", "2"]) == 0
    table = table_of(capsys.readouterr().out)
    percent, unmatched, _, pq = table["exported (SavedModel)"]
    assert percent > 99.9 and unmatched == 0
    assert float(pq) == pytest.approx(float(table["evaluation"][3]), abs=0.1)


@pytest.mark.parametrize("kind", ["missing", "folder", "text"])
def test_a_path_that_is_no_picture_is_named(trained, exported, pictures, tmp_path, kind, capsys):
    path = tmp_path / "picture.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no picture")
    arguments = ["parity", "--model", str(trained), "--exports", str(exported[0])]
    assert main([*arguments, "--images", pictures[0], str(path)]) == 2
    assert str(path) in capsys.readouterr().err
