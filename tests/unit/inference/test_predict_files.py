"""Predicts many files: names of results, bad pictures, pictures that must stay, second starts."""

import json
import threading

import pytest
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.inference.many_files.finished_pictures import FinishedPictures, written_files
from maskconver_tf.inference.many_files.picture_list import ListedPicture, list_pictures
from maskconver_tf.inference.output_formats.named_formats import make_formats
from maskconver_tf.inference.predict_files import FilePrediction
from maskconver_tf.inference.predictor import Predictor
from tests.unit.inference.fake_predictor import (
    CATEGORIES,
    PIXELS,
    segment,
    segment_nothing,
    write_picture,
)


def predict(predictor, images, out, **options):
    FilePrediction(predictor, str(out), **options).run(
        list_pictures(list(map(str, images)), str(out))
    )


def _names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


class CountingPredictor(Predictor):
    """Counts the pictures that it predicts."""

    def __init__(self):
        super().__init__(segment, CATEGORIES)
        self.count = 0

    def predict(self, pixels):
        self.count += 1
        return super().predict(pixels)


def test_good_pictures_are_written_and_bad_ones_named_at_the_end(predictor, tmp_path):
    good = [write_picture(tmp_path / name) for name in ("a.png", "c.png")]
    bad = tmp_path / "b.png"
    bad.write_bytes(b"no picture")
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"b\.png: not a readable picture"):
        predict(predictor, [good[0], bad, good[1]], out)
    assert _names(out) == ["a.json", "a.png", "a_ids.png", "c.json", "c.png", "c_ids.png"]


def test_no_result_overwrites_another(predictor, tmp_path):
    images = []
    for number, name in enumerate(["x/a.png", "y/a.png", "x/A.jpg", "x/a_2.png", "x/a_ids.png"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        images.append(write_picture(path, PIXELS[:, : 4 + number]))
    out = tmp_path / "out"
    predict(predictor, images, out)
    results = [json.loads(path.read_text()) for path in out.glob("*.json")]
    assert sorted(result["width"] for result in results) == [4, 5, 6, 7, 8]
    assert len({name.casefold() for name in _names(out)}) == 15
    for path in out.glob("*.json"):
        width, _ = Image.open(out / f"{path.stem}_ids.png").size
        assert width == json.loads(path.read_text())["width"]


def test_a_picture_named_like_a_table_replaces_none(predictor, tmp_path):
    path = write_picture(tmp_path / "predictions.png")
    formats = make_formats(["drawing", "coco"])
    predict(predictor, [path], tmp_path / "out", formats=formats)
    assert "annotations" in json.loads((tmp_path / "out/predictions.json").read_text())
    assert "segments" in json.loads((tmp_path / "out/predictions_2.json").read_text())


def test_a_result_never_replaces_a_picture(predictor, tmp_path):
    path = write_picture(tmp_path / "a.png")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"would replace the picture .*a\.png; name another folder"):
        predict(predictor, [path], tmp_path)
    assert path.read_bytes() == before
    assert _names(tmp_path) == ["a.png"]


def test_results_keep_the_folders_below_a_folder(predictor, tmp_path):
    for name in ("b/2.png", "a/1.png", "3.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(tmp_path / "in" / name)
    predict(predictor, [tmp_path / "in"], tmp_path / "out")
    found = sorted(
        path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.json")
    )
    assert [path.as_posix() for path in found] == ["3.json", "a/1.json", "b/2.json"]


def test_pictures_beside_their_results(predictor, tmp_path):
    path = write_picture(tmp_path / "a.jpg")
    predict(predictor, [path], tmp_path)
    assert _names(tmp_path) == ["a.jpg", "a.json", "a.png", "a_ids.png"]


@pytest.mark.parametrize("ends", [False, True])
def test_results_beside_their_pictures_never_become_pictures(tmp_path, ends):
    write_picture(tmp_path / "a.jpg")
    write_picture(tmp_path / "b.jpg")

    def start(names, **options):
        counting = CountingPredictor()
        listed = list_pictures([str(tmp_path)], str(tmp_path), written_files(tmp_path))
        FilePrediction(
            counting, str(tmp_path), make_formats(names), settings={"a": 1}, **options
        ).run(listed)
        return counting.count

    if ends:
        assert start(["drawing"]) == 2
    else:  # A start that was killed after it wrote a picture.
        pictures = list_pictures([str(tmp_path)], str(tmp_path))
        FinishedPictures(tmp_path, {"a": 1}).announce(pictures, make_formats(["drawing"]))
        for name in ("a.png", "a_ids.png"):
            write_picture(tmp_path / name)
        assert start(["drawing"]) == 2
    assert start(["csv"]) == 2
    assert start(["csv"], overwrite=True) == 2
    assert start(["drawing", "csv"], overwrite=True) == 2
    assert start(["csv"]) == 0


def test_the_found_classes_are_printed(predictor, tmp_path, capsys):
    path = write_picture(tmp_path / "a.png")
    predict(predictor, [path], tmp_path / "out")
    predict(Predictor(segment_nothing, CATEGORIES), [path], tmp_path / "out")
    told = capsys.readouterr().out
    assert f"{path}: 1 chat, 1 pré -> " in told
    assert f"{path}: nothing found -> " in told


def test_a_second_start_predicts_only_what_is_new(tmp_path, capsys):
    images = [write_picture(tmp_path / f"{i}.png", PIXELS[:, : 5 + i]) for i in range(4)]
    counting = CountingPredictor()
    formats = make_formats(["drawing", "coco", "csv"])

    def start(wanted, **changed):
        options = {"formats": formats, "settings": {"model": 1}} | changed
        before = counting.count
        predict(counting, wanted, tmp_path / "out", **options)
        return counting.count - before

    assert start(images[:2]) == 2
    assert start(images) == 2
    assert "2 of 4 pictures are done; --overwrite does them again" in capsys.readouterr().out
    annotations = json.loads((tmp_path / "out/predictions.json").read_text())["annotations"]
    assert [entry["image_id"] for entry in annotations] == ["0", "1", "2", "3"]
    assert len((tmp_path / "out/pictures.csv").read_text().splitlines()) == 5
    assert start(images) == 0
    assert start(images, settings={"model": 2}) == 4
    assert start(images, settings={"model": 2}, overwrite=True) == 4
    (tmp_path / "out/predictions/1.png").unlink()
    assert start(images, settings={"model": 2}) == 1
    write_picture(images[3], PIXELS)
    assert start(images, settings={"model": 2}) == 1
    assert start(images, settings={"model": 2}, formats=make_formats(["geojson"])) == 4
    assert start(images, settings={"model": 2}) == 0, "another format leaves these files as done"


def test_a_stopped_start_keeps_what_it_has_finished(tmp_path):
    images = [write_picture(tmp_path / f"{i}.png") for i in range(6)]
    counting = CountingPredictor()

    def stop_at_fourth(image):
        if counting.count == 4:
            raise KeyboardInterrupt
        return CountingPredictor.predict(counting, image)

    class Stopping(Predictor):
        def predict(self, image):
            return stop_at_fourth(image)

    options = {"settings": {}, "threads": 2}
    with pytest.raises(KeyboardInterrupt):
        predict(Stopping(segment, CATEGORIES), images, tmp_path / "out", **options)
    counting.count = 0
    predict(counting, images, tmp_path / "out", **options)
    assert 2 <= counting.count < 6
    assert len(list((tmp_path / "out").glob("*.json"))) == 6


def test_reading_and_writing_leave_the_thread_of_the_model(predictor, tmp_path):
    images = [write_picture(tmp_path / f"{i}.png") for i in range(3)]
    readers = set()

    def read(path):
        readers.add(threading.current_thread().name)
        return PIXELS

    predict(predictor, images, tmp_path / "out", read=read, threads=2)
    assert threading.current_thread().name not in readers


def test_a_full_disk_is_one_message(predictor, tmp_path):
    path = write_picture(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a_ids.png").mkdir()  # Where a file must go.
    with pytest.raises(UserError, match=r"the results of .*a\.png cannot be written"):
        predict(predictor, [path], tmp_path / "out")


@pytest.mark.parametrize(
    ("blocked", "message"),
    [(".predicted.jsonl", "the list of finished pictures"), ("pictures.csv", "the tables")],
)
def test_a_table_that_cannot_be_written_is_one_message(predictor, tmp_path, blocked, message):
    path = write_picture(tmp_path / "a.png")
    (tmp_path / "out" / blocked).mkdir(parents=True)  # Where a file must go.
    with pytest.raises(UserError, match=f"{message} cannot be written"):
        predict(predictor, [path], tmp_path / "out", formats=make_formats(["csv"]))


def test_stems_of_pictures_given_twice(predictor, tmp_path):
    path = str(write_picture(tmp_path / "a.png"))
    pictures = [ListedPicture(path, "a"), ListedPicture(path, "a")]
    FilePrediction(predictor, str(tmp_path / "out")).run(pictures)
    assert [p.name for p in sorted((tmp_path / "out").glob("*.json"))] == ["a.json", "a_2.json"]
