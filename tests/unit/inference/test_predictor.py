"""Predicts one picture: files of every kind, saved results, and inputs that are refused."""

import io
import json
import warnings

import numpy as np
import pytest
from PIL import Image

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.inference.predictor import Predictor, read_image
from maskconver_tf.inference.tiles.known_window import KnownWindow
from tests.unit.inference.fake_predictor import (
    CATEGORIES,
    PIXELS,
    segment,
    segment_nothing,
    write_picture,
)

# ---- Prediction ----------------------------------------------------------------------------------


@pytest.mark.parametrize("as_file", [True, False])
def test_a_file_and_its_pixels_give_the_same_prediction(predictor, tmp_path, as_file):
    picture = write_picture(tmp_path / "a.png") if as_file else PIXELS
    prediction = predictor(picture)
    np.testing.assert_array_equal(prediction.image, PIXELS)
    np.testing.assert_array_equal(prediction.panoptic_map, segment(PIXELS)[types.PANOPTIC_MAP])
    cat, meadow = prediction.segments
    assert (cat.id, cat.class_id, cat.area, cat.box) == (1, 1, 24, (0, 0, 4, 6))
    assert (meadow.id, meadow.class_id, meadow.area, meadow.box) == (70_000, 0, 48, (4, 0, 8, 12))
    assert cat.score == pytest.approx(0.87654321)


def test_a_picture_that_shrinks_more_than_twice_as_much_as_in_training_is_warned_about():
    predictor = Predictor(segment, CATEGORIES)
    predictor.window = KnownWindow((4, 6), is_of_training=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor(PIXELS)  # Twice as large.
        predictor.predict(np.tile(PIXELS, (4, 4, 1)))
    message = r"the picture of 24 x 12 pixels shrinks 4\.0 times more than .* TiledPredictor"
    with pytest.warns(UserWarning, match=message) as caught:
        predictor(PIXELS.reshape(4, 24, 3).repeat(3, axis=0))
    assert caught[0].filename == __file__


def test_json_has_source_ids_and_coco_boxes(predictor):
    content = predictor(PIXELS).to_json()
    assert json.loads(json.dumps(content)) == {
        "height": 8,
        "width": 12,
        "segments": [
            {
                "id": 1,
                "category_id": 3,
                "name": "chat",
                "isthing": True,
                "score": 0.8765,
                "area": 24,
                "bbox": [0, 0, 6, 4],
            },
            {
                "id": 70_000,
                "category_id": 90,
                "name": "pré",
                "isthing": False,
                "score": 0.5,
                "area": 48,
                "bbox": [0, 4, 12, 4],
            },
        ],
    }


def test_saved_files(predictor, tmp_path):
    prediction = predictor(PIXELS)
    paths = prediction.save(tmp_path / "new" / "folder", "straße")
    assert {kind: path.name for kind, path in paths.items()} == {
        "picture": "straße.png",
        "ids": "straße_ids.png",
        "segments": "straße.json",
    }
    text = paths["segments"].read_text(encoding="utf-8")
    assert json.loads(text) == prediction.to_json()
    assert "pré" in text
    rgb = np.asarray(Image.open(paths["ids"])).astype(int)
    ids = rgb[..., 0] + 256 * rgb[..., 1] + 65_536 * rgb[..., 2]
    np.testing.assert_array_equal(ids, prediction.panoptic_map)
    np.testing.assert_array_equal(np.asarray(Image.open(paths["picture"])), prediction.draw())


def test_nothing_found_is_saved_too(tmp_path):
    prediction = Predictor(segment_nothing, CATEGORIES)(PIXELS[:1, :1])
    paths = prediction.save(tmp_path, "dot")
    assert json.loads(paths["segments"].read_text())["segments"] == []
    assert not np.asarray(Image.open(paths["ids"])).any()


def test_a_place_that_is_no_folder_is_refused(predictor, tmp_path):
    place = write_picture(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: .*folder to write"):
        predictor(PIXELS).save(place, "a")


# ---- Pictures of every kind ----------------------------------------------------------------------


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Stored lying on its left side.
    path = write_picture(tmp_path / "turned.png", np.rot90(PIXELS), exif=exif)
    np.testing.assert_array_equal(read_image(path), PIXELS)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_gray_pictures_become_rgb(tmp_path, suffix):
    gray = np.full([8, 12], 130, np.uint8)
    image = read_image(write_picture(tmp_path / f"gray.{suffix}", gray))
    assert (image.shape, image.dtype) == ((8, 12, 3), np.uint8)
    np.testing.assert_array_equal(image, np.full([8, 12, 3], 130))


def test_sixteen_bits_keep_their_upper_eight(tmp_path):
    gray = np.arange(96, dtype=np.uint16).reshape(8, 12) * 682
    image = read_image(write_picture(tmp_path / "deep.png", gray))
    np.testing.assert_array_equal(image, np.repeat((gray >> 8)[..., None], 3, -1))


def test_alpha_is_dropped_not_blended(tmp_path):
    alpha = np.concatenate([PIXELS, np.zeros([8, 12, 1], np.uint8)], -1)
    np.testing.assert_array_equal(read_image(write_picture(tmp_path / "clear.png", alpha)), PIXELS)


def test_palettes_become_rgb(tmp_path):
    flat = np.zeros([8, 12, 3], np.uint8)
    flat[:, 6:] = [255, 51, 0]
    np.testing.assert_array_equal(read_image(write_picture(tmp_path / "few.png", flat, "P")), flat)


def test_cmyk_becomes_rgb(tmp_path):
    flat = np.full([8, 12, 3], [200, 40, 90], np.uint8)
    image = read_image(write_picture(tmp_path / "print.jpg", flat, "CMYK", quality=100))
    assert np.abs(image.astype(int) - flat).max() <= 4


def test_a_one_pixel_picture(predictor, tmp_path):
    prediction = predictor(write_picture(tmp_path / "dot.png", PIXELS[:1, :1]))
    assert prediction.panoptic_map.shape == (1, 1)


# ---- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pixels",
    [
        PIXELS.astype(np.float32),
        PIXELS[..., 0],
        PIXELS[np.newaxis],
        PIXELS[..., :2],
        np.zeros([0, 4, 3], np.uint8),
    ],
)
def test_other_arrays_are_refused(predictor, pixels):
    shape = r"\[" + ", ".join(map(str, pixels.shape)) + r"\]"
    with pytest.raises(UserError, match=f"{pixels.dtype} {shape}; expected uint8"):
        predictor(pixels)


def test_missing_files_and_folders_are_told_apart(predictor, tmp_path):
    with pytest.raises(UserError, match=r"gone\.jpg: no such picture"):
        predictor(tmp_path / "gone.jpg")
    with pytest.raises(UserError, match=r"a folder, expected a picture; name the pictures in it"):
        predictor(str(tmp_path))


@pytest.mark.parametrize("spoil", [lambda encoded: encoded[:-300], lambda _: b"", lambda _: b"hi"])
def test_damaged_files_are_named(predictor, tmp_path, spoil):
    encoded = io.BytesIO()
    Image.fromarray(np.tile(PIXELS, [4, 4, 1])).save(encoded, "JPEG")
    path = tmp_path / "bad.jpg"
    path.write_bytes(spoil(encoded.getvalue()))
    with pytest.raises(UserError, match=r"bad\.jpg: not a readable picture \(.*expected a comp"):
        predictor(path)


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.linspace(0, 1, 96, dtype=np.float32).reshape(8, 12), "floats"),
        (np.arange(96, dtype=np.int32).reshape(8, 12), "whole numbers of 32 bits"),
    ],
)
def test_numbers_of_unknown_range_are_refused_as_in_a_build(tmp_path, pixels, found):
    path = write_picture(tmp_path / "a.tif", pixels)
    with pytest.raises(UserError, match=rf"a\.tif: .* no known range: {found}.*expected 8 or 16"):
        read_image(path)


def test_the_limit_of_pixels_is_named_and_can_be_raised(tmp_path):
    path = write_picture(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"12 x 8, which is 96 pixels; expected .*--max_pixels N"):
        read_image(path, max_pixels=95)
    np.testing.assert_array_equal(read_image(path, max_pixels=96), PIXELS)


def test_a_file_that_training_could_not_decode_is_refused(tmp_path):
    path = write_picture(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(UserError, match=r"a\.png: not a readable picture \(PNG without its end"):
        read_image(path)
