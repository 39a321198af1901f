"""Predicts many files: names of results, bad pictures, and pictures that must stay."""

import json

import pytest
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.inference.predict_files import check_pictures_exist, predict_files
from maskconver_tf.inference.predictor import Predictor
from tests.unit.inference.fake_predictor import (
    CATEGORIES,
    PIXELS,
    segment_nothing,
    write_picture,
)


def test_every_missing_file_is_named_at_once(tmp_path):
    here = str(write_picture(tmp_path / "here.png"))
    check_pictures_exist([here])
    with pytest.raises(UserError) as error:
        check_pictures_exist([str(tmp_path / "x.png"), here, str(tmp_path)])
    first, second = str(error.value).splitlines()
    assert "x.png: no such picture" in first
    assert "a folder" in second


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_good_pictures_are_written_and_bad_ones_named_at_the_end(predictor, tmp_path):
    good = [str(write_picture(tmp_path / name)) for name in ("a.png", "c.png")]
    bad = tmp_path / "b.png"
    bad.write_bytes(b"no picture")
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"b\.png: not a readable picture"):
        predict_files(predictor, [good[0], str(bad), good[1]], str(out))
    assert _names(out) == ["a.json", "a.png", "a_ids.png", "c.json", "c.png", "c_ids.png"]


def test_no_result_overwrites_another(predictor, tmp_path):
    images = []
    for number, name in enumerate(["x/a.png", "y/a.png", "x/a.jpg", "x/a_2.png", "x/a_ids.png"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        images.append(str(write_picture(path, PIXELS[:, : 4 + number])))
    out = tmp_path / "out"
    predict_files(predictor, images, str(out))
    results = [json.loads(path.read_text()) for path in out.glob("*.json")]
    assert sorted(result["width"] for result in results) == [4, 5, 6, 7, 8]
    assert len(_names(out)) == 15
    for path in out.glob("*.json"):
        width, _ = Image.open(out / f"{path.stem}_ids.png").size
        assert width == json.loads(path.read_text())["width"]


def test_a_result_never_replaces_a_picture(predictor, tmp_path):
    path = write_picture(tmp_path / "a.png")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"would replace the picture .*a\.png; name another folder"):
        predict_files(predictor, [str(path)], str(tmp_path))
    assert path.read_bytes() == before
    assert _names(tmp_path) == ["a.png"]


def test_pictures_beside_their_results(predictor, tmp_path):
    path = write_picture(tmp_path / "a.jpg")
    predict_files(predictor, [str(path)], str(tmp_path))
    assert _names(tmp_path) == ["a.jpg", "a.json", "a.png", "a_ids.png"]


def test_the_found_classes_are_printed(predictor, tmp_path, capsys):
    path = write_picture(tmp_path / "a.png")
    predict_files(predictor, [str(path)], str(tmp_path / "out"))
    predict_files(Predictor(segment_nothing, CATEGORIES), [str(path)], str(tmp_path / "out"))
    told = capsys.readouterr().out
    assert f"{path}: 1 chat, 1 pré -> " in told
    assert f"{path}: nothing found -> " in told
