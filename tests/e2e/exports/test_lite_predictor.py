"""`maskconver_tf.load` takes LiteRT files, and predicts what the run predicts."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.errors import UserError
from maskconver_tf.export.comparison import Difference, PlainMap
from maskconver_tf.inference.litert.lite_predictor import scale_to_nearest
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.input.transforms import fit_image


@pytest.fixture(scope="module")
def pictures(scenes) -> list[np.ndarray]:
    """Three pictures that fill the height of the input and, as in training, keep their shape.

    In squeezed pictures the model is unsure of every class, so int8 gives other ones.
    """
    found = []
    for path in sorted((scenes / "images/train").iterdir())[:3]:
        picture = Image.open(path).convert("RGB")
        scale = min(96 / picture.width, 64 / picture.height)
        size = (round(picture.width * scale), round(picture.height * scale))
        found.append(np.asarray(picture.resize(size, Image.Resampling.BILINEAR)))
    return found


def share_equal(found: Sequence[Prediction], expected: Sequence[Prediction]) -> float:
    difference = Difference()
    for one, other in zip(found, expected, strict=True):
        maps = [
            PlainMap(each.panoptic_map, {s.id: s.class_id for s in each.segments})
            for each in (one, other)
        ]
        difference.add(*maps)
    return difference.share_equal


def assert_rows_describe_the_map(prediction):
    ids = np.unique(prediction.panoptic_map)
    assert [s.id for s in prediction.segments] == [i for i in ids.tolist() if i]
    scores = [s.score for s in prediction.segments]
    assert scores == sorted(scores, reverse=True)
    for segment in prediction.segments:
        inside = np.argwhere(prediction.panoptic_map == segment.id)
        assert segment.area == len(inside)
        assert list(segment.box) == [*inside.min(0), *(inside.max(0) + 1)]


def enlarged(pictures: Sequence[np.ndarray], scale: int) -> list[np.ndarray]:
    return [image.repeat(scale, 0).repeat(scale, 1) for image in pictures]


def as_seen_by_a_file(run, image: np.ndarray) -> Prediction:
    """The run's prediction of the padded input, cut to the picture and scaled to the nearest pixel.

    A file fuses on the whole input. So padding counts when a mask's share is taken.
    """
    canvas, content_size = fit_image(tf.constant(image), run.input_size)
    found = run(canvas.numpy())
    ids = scale_to_nearest(found.panoptic_map, content_size.numpy(), image.shape[:2])
    return dataclasses.replace(found, panoptic_map=ids)


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("name", [".", "heads_float32.tflite"])
def test_a_float_file_predicts_what_the_run_predicts_of_its_input(
    lite_export, trained, pictures, name, scale
):
    load, run = maskconver_tf.load(lite_export / name), maskconver_tf.load(trained)
    for image in enlarged(pictures, scale):
        found, expected = load(image), as_seen_by_a_file(run, image)
        assert share_equal([found], [expected]) > 0.98
        assert len(found.segments) == len(set(expected.panoptic_map[expected.panoptic_map > 0])) > 1


@pytest.mark.parametrize(
    ("name", "scale", "least"),
    [
        ("whole_int8.tflite", 1, 0.9),
        ("heads_int8.tflite", 1, 0.9),
        (".", 1, 0.85),  # Padding counts.
        (".", 3, 0.85),  # Borders are coarser, too.
    ],
)
def test_a_lite_file_predicts_nearly_what_the_run_predicts(
    lite_export, trained, pictures, name, scale, least
):
    pictures = enlarged(pictures, scale)
    load, run = maskconver_tf.load(lite_export / name), maskconver_tf.load(trained)
    assert load.input_size == run.input_size
    found, expected = [load(each) for each in pictures], [run(each) for each in pictures]
    assert sum(len(each.segments) for each in expected) > len(pictures)
    assert share_equal(found, expected) > least
    for one, image in zip(found, pictures, strict=True):
        assert one.panoptic_map.shape == image.shape[:2]
        assert one.categories == run.categories
        assert_rows_describe_the_map(one)


def test_predict_takes_a_lite_file(lite_export, scenes, tmp_path):
    picture = min((scenes / "images/train").iterdir())
    model = str(lite_export / "whole_float32.tflite")
    arguments = ["predict", str(picture), "--model", model, "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert (tmp_path / f"{picture.stem}_ids.png").is_file()


def test_a_file_that_the_user_renamed_is_known_by_its_outputs(lite_export, pictures, tmp_path):
    for name in ("categories.json", "whole_float32.tflite"):
        target = "phone.tflite" if name.endswith("tflite") else name
        shutil.copy(lite_export / name, tmp_path / target)
    found = maskconver_tf.load(tmp_path / "phone.tflite")(pictures[0])
    expected = maskconver_tf.load(lite_export)(pictures[0])
    np.testing.assert_array_equal(found.panoptic_map, expected.panoptic_map)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_area": 9}, "whose thresholds are fixed, and min_area = 9; .*--to litert --min_area"),
        ({"gin": ["A.b=1"]}, "whose settings are fixed, and the setting A.b=1"),
    ],
)
def test_settings_and_thresholds_are_refused(lite_export, given, message):
    with pytest.raises(UserError, match=message):
        maskconver_tf.load(lite_export, **given)


@pytest.mark.parametrize("missing", ["categories.json", "post_process.npz", "post_process.json"])
def test_a_missing_neighbor_is_named(lite_export, tmp_path, missing):
    for path in lite_export.iterdir():
        if path.name != missing and "int8" not in path.name and "whole" not in path.name:
            shutil.copy(path, tmp_path)
    with pytest.raises(UserError, match=missing):
        maskconver_tf.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("post_process.npz", b"", "No data left"),
        ("post_process.json", b"{}", "no center_levels"),
        ("post_process.json", b'{"center_levels": [9]}', "no stride"),
    ],
)
def test_a_half_written_neighbor_is_named(lite_export, tmp_path, name, content, message):
    for path in lite_export.iterdir():
        if "int8" not in path.name and "whole" not in path.name:
            shutil.copy(path, tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        maskconver_tf.load(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"no model", b"TFL3" * 40])
def test_a_damaged_file_is_named(content, tmp_path):
    path = tmp_path / "whole_float32.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{path}: .*(copy the file|export) again"):
        maskconver_tf.load(path)
