"""`data check` shows beside each input size how much longer a picture takes."""

import json
import re
import types

import numpy as np
import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.planning.dataset_check import check_dataset
from maskconver_tf.planning.dataset_check.advice.size_ceilings import SizeCeilings, with_times


class NoCeiling:
    """A ceiling without a model: its PQ is always the same."""

    num_pictures = num_dropped = 0

    def add(self, segment_map, class_ids, is_crowd):
        self.num_pictures += 1

    def result(self):
        group = types.SimpleNamespace(pq=0.5)
        return types.SimpleNamespace(all=group, things=group, stuff=group)


@pytest.fixture
def check(make_coco_folder, tmp_path, monkeypatch, capsys):
    """`check(*options)`: what the command prints, its JSON and its page."""
    folder = make_coco_folder(size=(64, 96))

    def maker(grid, make_fusion):
        return lambda categories, size: SizeCeilings(lambda stride: NoCeiling(), size, 2, 4)

    monkeypatch.setattr(check_dataset, "_ceiling_maker", maker)

    def run(*options):
        names = ("images", "panoptic", "annotations")
        arguments = [f"--{name}={getattr(folder, name)}" for name in names]
        out = tmp_path / "out"
        argv = ["data", "check", *arguments, "--out", str(out), "--workers=1", "--exit_zero"]
        assert main([*argv, *options]) == 0
        content = json.loads((out / "check.json").read_text("utf-8"))
        return capsys.readouterr().out, content, (out / "check.html").read_text("utf-8")

    return run


def test_sizes_auto_shows_the_time_of_each_size(check):
    text, content, page = check("--sizes", "auto")
    [part] = content["parts"].values()
    pixels = [int(np.prod(ceiling["input_size"])) for ceiling in part["ceilings"]]
    assert len(pixels) > 2
    expected = [count / pixels[0] for count in pixels]
    assert [c["relative_time"] for c in part["ceilings"]] == pytest.approx(expected, abs=0.001)
    shown = [float(time) for time in re.findall(r"time of a picture x ([\d.]+); grid", text)]
    assert shown == pytest.approx(expected, rel=0.01)
    assert "multiple of the first size, by the number of input pixels" in text
    rows = re.findall(r"<td>(\d+ x \d+)</td><td>([\d.]+)</td>", page)
    assert [float(time) for _, time in rows] == pytest.approx(expected, rel=0.01)
    assert "<th>time</th>" in page and "a multiple of the first size" in page


def test_one_size_has_no_time_to_compare(check):
    text, content, _ = check("--input_size", "64,96")
    assert "time of a picture" not in text and "multiple of the first size" not in text
    [part] = content["parts"].values()
    assert part["ceilings"][0]["relative_time"] == 1.0


def test_the_first_size_need_not_be_the_smallest():
    found = with_times(
        [{"input_size": [64, 64]}, {"input_size": [32, 64]}, {"input_size": [96, 64]}]
    )
    assert [each["relative_time"] for each in found] == [1.0, 0.5, 1.5]
    assert with_times([]) == []
