"""`maskconver predict` with a stand-in for the model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.inference.predictor import Predictor
from maskconver_tf.inference.tiles import row_reading, tiled_predictor
from maskconver_tf.inference.tiles.known_window import KnownWindow
from tests.unit.inference.fake_predictor import CATEGORIES, PIXELS, segment, write_picture
from tests.unit.inference.tiles import exact_segmenter


@pytest.fixture
def loads(monkeypatch, tmp_path):
    """The arguments of each call of `load`; the working folder has pictures in `in`."""
    made = []

    def load(*args, **kwargs):
        made.append((args, kwargs))
        return Predictor(segment, CATEGORIES)

    monkeypatch.setattr(maskconver_tf, "load", load)
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.png", "in/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_picture(tmp_path / name)
    return made


def test_mistakes_are_told_before_the_model_loads(loads, error_of):
    start = ["predict", "--model", "m", "--out", "o"]
    assert "gone.png: no such picture" in error_of(*start, "gone.png")
    assert "--format svg: expected one or more of drawing" in error_of(*start, "in", "--format=svg")
    assert "--enlarge 9: expected a whole number from 1 to 8, such as --enlarge 2" in error_of(
        *start, "in", "--enlarge", "9"
    )
    assert "--enlarge 1.5: expected a whole" in error_of(*start, "in", "--enlarge", "1.5")
    assert "--threads 0: expected a whole number from 1 to 64, such as --threads 8" in error_of(
        *start, "in", "--threads", "0"
    )
    assert "ids.json" in error_of(*start, "in", "--image_ids", "ids.json")
    assert "did you mean '--outlines'" in error_of(*start, "in", "--outline")
    assert not loads


def test_thresholds_reach_the_model(loads):
    argv = ["predict", "--model", "m", "in/a.png", "--out", "o", "--score-threshold", "0.4"]
    assert main(argv) == 0
    [(args, kwargs)] = loads
    assert args[0] == "m"
    assert 0.4 in (*args, *kwargs.values())


def test_a_folder_in_several_formats(loads, tmp_path):
    argv = ["predict", "--model", "m", "in", "--out", "o", "--format", "coco,csv"]
    assert main([*argv, "--format", "label_tiff"]) == 0
    names = sorted(p.relative_to(tmp_path / "o").as_posix() for p in (tmp_path / "o").rglob("*.*"))
    assert names == [
        *(".predicted.jsonl", "a_labels.csv", "a_labels.tif", "b_labels.csv", "b_labels.tif"),
        *("pictures.csv", "predictions.json", "predictions/a.png", "predictions/b.png"),
        "segments.csv",
    ]


def test_drawing_options_reach_the_drawing(loads, tmp_path):
    argv = ["predict", "--model", "m", "in/a.png", "--out", "o"]
    assert main(argv) == 0
    assert Image.open("o/a.png").size == (12 * 8, 8 * 8)
    more = ["--enlarge", "1", "--labels", "none", "--outlines", "--raw_contrast"]
    assert main([*argv, *more]) == 0
    drawn = np.asarray(Image.open("o/a.png"))
    assert drawn.shape == (8, 12, 3)
    np.testing.assert_array_equal(drawn[1, 8:], PIXELS[1, 8:])


def test_only_options_that_change_the_result_repeat_the_work(loads, capsys):
    argv = ["predict", "--model", "m", "in", "--out", "o", "--format", "coco"]

    def done(*more):
        assert main([*argv, *more]) == 0
        return "2 of 2 pictures are done" in capsys.readouterr().out

    assert not done()
    assert done()
    assert done("--threads", "2", "--labels", "none", "--max_pixels", "1000")
    assert not done("--score_threshold", "0.2")
    assert done("--score_threshold", "0.2")
    assert not done("--score_threshold", "0.2", "--overwrite")


def test_ids_of_the_truth(loads):
    with open("truth.json", "w") as file:
        json.dump({"images": [{"file_name": "b.png", "id": 12}]}, file)
    argv = ["predict", "--model", "m", "in", "--out", "o", "--format", "coco"]
    assert main([*argv, "--image_ids", "truth.json"]) == 0
    with open("o/predictions.json") as file:
        assert [image["id"] for image in json.load(file)["images"]] == ["a", 12]
    assert main(argv) == 0
    with open("o/predictions.json") as file:
        assert [image["id"] for image in json.load(file)["images"]] == ["a", "b"]


def test_the_help_lists_the_formats(help_of):
    told = help_of("predict")
    for name in ("geojson", "imagej_roi", "label_tiff", "coco", "csv", "drawing"):
        assert f"\n  {name} " in told


def test_tiles_join_a_large_picture(loads, monkeypatch, tmp_path):
    rng = np.random.default_rng(3)
    image = exact_segmenter.picture_of(exact_segmenter.mosaic(rng, 150, 170, "blobs"))
    write_picture(tmp_path / "large.png", image)
    exact = Predictor(exact_segmenter.segment, exact_segmenter.CATEGORIES)
    exact.window = KnownWindow((64, 64), is_of_training=False)
    monkeypatch.setattr(maskconver_tf, "load", lambda *args, **kwargs: exact)
    argv = ["predict", "--model", "m", "large.png", "--format", "label_tiff,csv,drawing"]
    assert main([*argv, "--out", "whole"]) == 0
    for tile in (["auto"], ["64"], ["48,96", "--overlap", "7"]):
        out = f"tiles{tile[0]}"
        assert main([*argv, "--out", out, "--tile", *tile]) == 0
        maps = [np.asarray(Image.open(f"{f}/large_labels.tif")) for f in ("whole", out)]
        exact_segmenter.assert_same_segments(*maps)


def test_a_map_too_large_for_the_memory(loads, monkeypatch, tmp_path, capsys):
    for module in (row_reading, tiled_predictor):
        monkeypatch.setattr(module, "SMALL_PIXELS", 50)
    argv = ["predict", "--model", "m", "in/a.png", "--out", "o", "--tile", "32"]
    assert main([*argv]) == 2
    told = capsys.readouterr().err
    assert "found 12 x 8 pixels, which is too large for --format drawing; use --format" in told
    assert main([*argv, "--format", "coco,label_tiff"]) == 0
    [found] = list(read_coco_panoptic("o/predictions.json", "o/predictions"))
    np.testing.assert_array_equal(found.panoptic_map > 0, segment(PIXELS)["panoptic_map"] > 0)


def test_wrong_tiles_are_told_before_the_model_loads(loads, error_of):
    start = ["predict", "--model", "m", "in", "--out", "o"]
    assert "--tile big: expected auto" in error_of(*start, "--tile", "big")
    assert "--overlap 9: has no effect without --tile" in error_of(*start, "--overlap", "9")
    assert "--overlap 400: expected 1 to 256" in error_of(*start, "--tile=512", "--overlap=400")
    assert not loads


def test_a_picture_that_shrinks_much_gets_one_warning(loads, monkeypatch, capsys):
    small = Predictor(segment, CATEGORIES)
    small.window = KnownWindow((4, 4), is_of_training=False)
    monkeypatch.setattr(maskconver_tf, "load", lambda *args, **kwargs: small)
    argv = ["predict", "--model", "m", "in", "--format", "coco"]
    assert main([*argv, "--out", "o"]) == 0
    told = capsys.readouterr().err
    assert told.count("warning: ") == 1
    assert "in/a.png of 12 x 8 pixels shrinks 3.0 times to fit the model" in told
    assert main([*argv, "--out", "p", "--tile", "32"]) == 0
    assert "warning: " not in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--tile", "32"]])
def test_channels_are_mapped_as_in_the_dataset(loads, monkeypatch, more):
    pixels = np.random.default_rng(0).random((8, 12, 2)).astype(np.float32)
    tifffile.imwrite("deep.tif", pixels, photometric="minisblack", planarconfig="contig")
    mapping = ChannelMapping((1,), (0, 100))
    seen = []

    def look(image):
        seen.append(image)
        return segment(image)

    mapped = Predictor(look, CATEGORIES.with_pictures(mapping))
    monkeypatch.setattr(maskconver_tf, "load", lambda *args, **kwargs: mapped)
    argv = ["predict", "--model", "m", "deep.tif", "--out", "o", "--format", "csv", *more]
    assert main(argv) == 0
    np.testing.assert_array_equal(seen[0], mapping.apply(pixels))
    np.testing.assert_array_equal(mapped("deep.tif").image, seen[0])
