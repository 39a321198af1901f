"""One picture in, segments out: every kind of file, what is saved, and what is refused."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.inference.predictor import Predictor, check_files, predict_files, read_image

CATEGORIES = Categories.from_coco(
    [{"id": 90, "name": "pré", "isthing": 0}, {"id": 3, "name": "chat", "isthing": 1}], "here"
)


def _segment(image):
    """In place of a model: a cat in the upper left quarter, meadow in the lower half."""
    height, width, _ = image.shape
    panoptic_map = np.zeros([height, width], np.int32)
    panoptic_map[: height // 2, : width // 2] = 1
    panoptic_map[height // 2 :] = 70_000
    return {
        types.PANOPTIC_MAP: panoptic_map,
        types.SEGMENT_IDS: np.int32([1, 70_000]),
        types.SEGMENT_CLASS_IDS: np.int32([1, 0]),
        types.SEGMENT_SCORES: np.float32([0.87654321, 0.5]),
        types.SEGMENT_AREAS: np.int32([height * width // 4, height * width // 2]),
        types.SEGMENT_BOXES: np.int32(
            [[0, 0, height // 2, width // 2], [height // 2, 0, height, width]]
        ),
    }


def _segment_nothing(image):
    empty = {name: np.zeros([0], np.int32) for name in (types.SEGMENT_IDS, types.SEGMENT_AREAS)}
    return empty | {
        types.PANOPTIC_MAP: np.zeros(image.shape[:2], np.int32),
        types.SEGMENT_CLASS_IDS: np.zeros([0], np.int32),
        types.SEGMENT_SCORES: np.zeros([0], np.float32),
        types.SEGMENT_BOXES: np.zeros([0, 4], np.int32),
    }


@pytest.fixture
def predictor():
    return Predictor(_segment, CATEGORIES)


PIXELS = np.random.default_rng(0).integers(0, 256, [8, 12, 3], dtype=np.uint8)


def _write(path, pixels=PIXELS, mode=None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


# ---- Prediction ----------------------------------------------------------------------------------


@pytest.mark.parametrize("as_file", [True, False])
def test_a_file_and_its_pixels_give_the_same_prediction(predictor, tmp_path, as_file):
    picture = _write(tmp_path / "a.png") if as_file else PIXELS
    prediction = predictor(picture)
    np.testing.assert_array_equal(prediction.image, PIXELS)
    np.testing.assert_array_equal(prediction.panoptic_map, _segment(PIXELS)[types.PANOPTIC_MAP])
    cat, meadow = prediction.segments
    assert (cat.id, cat.class_id, cat.area, cat.box) == (1, 1, 24, (0, 0, 4, 6))
    assert (meadow.id, meadow.class_id, meadow.area, meadow.box) == (70_000, 0, 48, (4, 0, 8, 12))
    assert cat.score == pytest.approx(0.87654321)


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
    prediction = Predictor(_segment_nothing, CATEGORIES)(PIXELS[:1, :1])
    paths = prediction.save(tmp_path, "dot")
    assert json.loads(paths["segments"].read_text())["segments"] == []
    assert not np.asarray(Image.open(paths["ids"])).any()


def test_a_place_that_is_no_folder_is_refused(predictor, tmp_path):
    place = _write(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: .*folder to write"):
        predictor(PIXELS).save(place, "a")


# ---- Pictures of every kind ----------------------------------------------------------------------


def test_exif_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Stored lying on its left side.
    path = _write(tmp_path / "turned.png", np.rot90(PIXELS), exif=exif)
    np.testing.assert_array_equal(read_image(path), PIXELS)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_gray_pictures_become_rgb(tmp_path, suffix):
    gray = np.full([8, 12], 130, np.uint8)
    image = read_image(_write(tmp_path / f"gray.{suffix}", gray))
    assert (image.shape, image.dtype) == ((8, 12, 3), np.uint8)
    np.testing.assert_array_equal(image, np.full([8, 12, 3], 130))


def test_sixteen_bits_keep_their_upper_eight(tmp_path):
    gray = np.arange(96, dtype=np.uint16).reshape(8, 12) * 682
    image = read_image(_write(tmp_path / "deep.png", gray))
    np.testing.assert_array_equal(image, np.repeat((gray >> 8)[..., None], 3, -1))


def test_alpha_is_dropped_not_blended(tmp_path):
    alpha = np.concatenate([PIXELS, np.zeros([8, 12, 1], np.uint8)], -1)
    np.testing.assert_array_equal(read_image(_write(tmp_path / "clear.png", alpha)), PIXELS)


def test_palettes_become_rgb(tmp_path):
    flat = np.zeros([8, 12, 3], np.uint8)
    flat[:, 6:] = [255, 51, 0]
    np.testing.assert_array_equal(read_image(_write(tmp_path / "few.png", flat, "P")), flat)


def test_cmyk_becomes_rgb(tmp_path):
    flat = np.full([8, 12, 3], [200, 40, 90], np.uint8)
    image = read_image(_write(tmp_path / "print.jpg", flat, "CMYK", quality=100))
    assert np.abs(image.astype(int) - flat).max() <= 4


def test_a_one_pixel_picture(predictor, tmp_path):
    prediction = predictor(_write(tmp_path / "dot.png", PIXELS[:1, :1]))
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
    with pytest.raises(UserError, match=r"a folder; name the pictures in it"):
        predictor(str(tmp_path))


@pytest.mark.parametrize("spoil", [lambda encoded: encoded[:-300], lambda _: b"", lambda _: b"hi"])
def test_damaged_files_are_named(predictor, tmp_path, spoil):
    encoded = io.BytesIO()
    Image.fromarray(np.tile(PIXELS, [4, 4, 1])).save(encoded, "JPEG")
    path = tmp_path / "bad.jpg"
    path.write_bytes(spoil(encoded.getvalue()))
    with pytest.raises(UserError, match=r"bad\.jpg: not a readable picture \(.*expected JPEG or"):
        predictor(path)


def test_every_missing_file_is_named_at_once(tmp_path):
    here = str(_write(tmp_path / "here.png"))
    check_files([here])
    with pytest.raises(UserError) as error:
        check_files([str(tmp_path / "x.png"), here, str(tmp_path)])
    first, second = str(error.value).splitlines()
    assert "x.png: no such picture" in first
    assert "a folder" in second


# ---- Many files ----------------------------------------------------------------------------------


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_good_pictures_are_written_and_bad_ones_named_at_the_end(predictor, tmp_path):
    good = [str(_write(tmp_path / name)) for name in ("a.png", "c.png")]
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
        images.append(str(_write(path, PIXELS[:, : 4 + number])))
    out = tmp_path / "out"
    predict_files(predictor, images, str(out))
    results = [json.loads(path.read_text()) for path in out.glob("*.json")]
    assert sorted(result["width"] for result in results) == [4, 5, 6, 7, 8]
    assert len(_names(out)) == 15
    for path in out.glob("*.json"):
        width, _ = Image.open(out / f"{path.stem}_ids.png").size
        assert width == json.loads(path.read_text())["width"]


def test_a_result_never_replaces_a_picture(predictor, tmp_path):
    path = _write(tmp_path / "a.png")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"would replace the picture .*a\.png; name another folder"):
        predict_files(predictor, [str(path)], str(tmp_path))
    assert path.read_bytes() == before
    assert _names(tmp_path) == ["a.png"]


def test_pictures_beside_their_results(predictor, tmp_path):
    path = _write(tmp_path / "a.jpg")
    predict_files(predictor, [str(path)], str(tmp_path))
    assert _names(tmp_path) == ["a.jpg", "a.json", "a.png", "a_ids.png"]


def test_what_was_found_is_told(predictor, tmp_path, capsys):
    path = _write(tmp_path / "a.png")
    predict_files(predictor, [str(path)], str(tmp_path / "out"))
    predict_files(Predictor(_segment_nothing, CATEGORIES), [str(path)], str(tmp_path / "out"))
    told = capsys.readouterr().out
    assert f"{path}: 1 chat, 1 pré -> " in told
    assert f"{path}: nothing found -> " in told
