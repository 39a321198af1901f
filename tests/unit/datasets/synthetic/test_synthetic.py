"""The toy scenes: the same everywhere, true to their annotation, and not told apart by colour."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.synthetic import dice, writer
from maskconver_tf.datasets.synthetic.catalogue import STUFF, THINGS
from maskconver_tf.datasets.synthetic.shapes import Outline, measure
from maskconver_tf.datasets.synthetic.shared_centers import shared_center_segment_ids
from maskconver_tf.datasets.synthetic.writer import write_dataset
from maskconver_tf.errors import UserError
from maskconver_tf.files import plain_png

# Another digest means other scenes: raise writer.FORMAT_VERSION with it.
DIGEST = "ac8be7cdbce65fdbc8e07cc35d035d244f5eb033068da8bb33ef54be76c0d69a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "scenes"
    assert write_dataset(out, num_train=150, num_val=40, progress=False)
    return out


@pytest.fixture(scope="module")
def examples(folder) -> dict[str, list[tuple[np.ndarray, np.ndarray, list[dict]]]]:
    """Split -> (image, panoptic map, segments_info) of each picture, read as any user would."""
    return {
        split: [_read(folder, split, a) for a in _annotations(folder, split)]
        for split in ("train", "val")
    }


def _annotations(folder: Path, split: str) -> list[dict]:
    return json.loads((folder / f"panoptic_{split}.json").read_text())["annotations"]


def _read(folder: Path, split: str, annotation: dict) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    name = annotation["file_name"]
    image = np.asarray(Image.open(folder / "images" / split / name))
    red, green, blue = np.moveaxis(
        np.asarray(Image.open(folder / "panoptic" / split / name)).astype(np.int64), -1, 0
    )
    return image, red + 256 * green + 65536 * blue, annotation["segments_info"]


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


# ---- The same everywhere -------------------------------------------------------------------------


def test_every_byte_is_as_committed(tmp_path):
    write_dataset(tmp_path / "out", num_train=10, num_val=2, seed=5, workers=1, progress=False)
    assert _digest(tmp_path / "out") == DIGEST


def test_processes_do_not_change_a_byte(tmp_path):
    for workers in (1, 2):
        write_dataset(tmp_path / str(workers), 8, 1, workers=workers, progress=False)
    assert _digest(tmp_path / "1") == _digest(tmp_path / "2")


def test_more_pictures_leave_the_first_as_they_were(tmp_path, folder):
    write_dataset(tmp_path / "few", num_train=2, num_val=1, workers=1, progress=False)
    assert _annotations(tmp_path / "few", "val") == _annotations(folder, "val")[:1]
    for name in ("images/train/000002.png", "panoptic/val/000001.png"):
        assert (tmp_path / "few" / name).read_bytes() == (folder / name).read_bytes()


def test_another_seed_gives_other_scenes(tmp_path, folder):
    write_dataset(tmp_path / "other", 1, 1, seed=1, workers=1, progress=False)
    name = "images/train/000001.png"
    assert (tmp_path / "other" / name).read_bytes() != (folder / name).read_bytes()


def test_no_sine_lies_where_rounding_could_go_either_way():
    exact = np.sin(np.arange(1024) * (2 * np.pi / 1024)) * 2**20
    assert np.abs(np.abs(exact - np.floor(exact)) - 0.5).min() > 1e-6


def test_dice_are_the_raw_bits_of_pcg64():
    raw = np.random.PCG64(np.random.SeedSequence((1, 2))).random_raw(3)
    rolled = dice.Dice(1, 2)
    assert rolled.uniform(0, 1) == (int(raw[0]) >> 11) / 2**53
    assert rolled.units(1)[0] == (int(raw[1]) >> 11) / 2**53
    assert rolled.bytes(8).tobytes() == int(raw[2]).to_bytes(8, "little")


# ---- True to the annotation ----------------------------------------------------------------------


def test_segments_are_exactly_the_ids_of_the_map_with_their_areas_and_boxes(examples):
    for image, ids, segments in examples["train"] + examples["val"]:
        assert image.shape == (*ids.shape, 3)
        assert min(ids.shape) >= 208 and max(ids.shape) <= 264
        assert {s["id"] for s in segments} == set(np.unique(ids)) - {0}
        for segment in segments:
            y, x = np.nonzero(ids == segment["id"])
            box = [x.min(), y.min(), x.max() - x.min() + 1, y.max() - y.min() + 1]
            assert segment["area"] == y.size and segment["bbox"] == box
            assert segment["area"] >= 30


def test_files_list_the_same_pictures_and_categories_with_gaps(folder):
    image_ids = []
    for split, count in (("train", 150), ("val", 40)):
        content = json.loads((folder / f"panoptic_{split}.json").read_text())
        images, annotations = content["images"], content["annotations"]
        assert [i["id"] for i in images] == [a["image_id"] for a in annotations]
        assert len(list((folder / "images" / split).iterdir())) == len(images) == count
        for image in images[:20]:
            size = Image.open(folder / "images" / split / image["file_name"]).size
            assert size == (image["width"], image["height"])
        isthing = {c["id"]: c["isthing"] for c in content["categories"]}
        assert isthing == dict.fromkeys(THINGS.values(), 1) | dict.fromkeys(STUFF.values(), 0)
        assert max(isthing) > len(isthing)
        image_ids += [i["id"] for i in images]
    assert len(set(image_ids)) == 190


def test_a_stuff_class_is_one_segment_and_never_a_crowd(examples):
    for _, _, segments in examples["train"]:
        stuff = [s for s in segments if s["category_id"] in STUFF.values()]
        assert len({s["category_id"] for s in stuff}) == len(stuff) <= 4
        assert not any(s["iscrowd"] for s in stuff)


def test_scenes_hold_what_real_annotations_trip_over(examples):
    train = examples["train"]
    segments = [s for _, _, listed in train for s in listed]
    sizes = [max(s["bbox"][2:]) for s in _things(segments)]
    assert {s["category_id"] for s in segments} == {*THINGS.values(), *STUFF.values()}
    assert min(sizes) < 14 and max(sizes) > 150
    assert 0.7 < np.mean([20 <= size <= 120 for size in sizes]) < 0.95
    assert 2 <= sum(s["iscrowd"] for s in segments) <= 20
    counts = [len(_things(listed)) for _, _, listed in train]
    assert min(counts) == 0 and max(counts) > 15 and 4 < np.median(counts) < 9
    void = [np.mean(ids == 0) for _, ids, _ in train]
    assert np.mean([share > 0 for share in void]) > 0.5 and np.mean(void) < 0.05
    shared = [bool(shared_center_segment_ids(ids, listed)) for _, ids, listed in train]
    assert 0.2 < np.mean(shared) < 0.45


def _things(segments: list[dict]) -> list[dict]:
    return [s for s in segments if s["category_id"] in THINGS.values() and not s["iscrowd"]]


# ---- Not told apart by colour --------------------------------------------------------------------


def test_mean_colour_tells_fewer_than_half_of_the_things(examples):
    colors, classes = _mean_colors(examples["train"])
    held_out, truth = _mean_colors(examples["val"])
    for guess in (_nearest_neighbours, _gaussians):
        accuracy = np.mean(guess(colors, classes, held_out) == truth)
        assert 0.2 < accuracy < 0.5, guess.__name__


def _mean_colors(split: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [
        (image[ids == s["id"]].mean(axis=0), s["category_id"])
        for image, ids, segments in split
        for s in _things(segments)
    ]
    return np.array([color for color, _ in pairs]), np.array([c for _, c in pairs])


def _nearest_neighbours(colors: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    distances = ((asked[:, None] - colors[None]) ** 2).sum(axis=-1)
    votes = classes[np.argsort(distances, axis=1)[:, :15]]
    return np.array([np.bincount(v).argmax() for v in votes])


def _gaussians(colors: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    options, scores = np.unique(classes), []
    for option in options:
        own = colors[classes == option]
        covariance = np.cov(own.T)
        offset = asked - own.mean(axis=0)
        spread = (offset @ np.linalg.inv(covariance) * offset).sum(axis=1)
        scores.append(np.log(len(own)) - (spread + np.linalg.slogdet(covariance)[1]) / 2)
    return options[np.argmax(scores, axis=0)]


# ---- Shared centers and shapes -------------------------------------------------------------------


def _segment(segment_id: int, name: str, iscrowd: int = 0) -> dict:
    return {"id": segment_id, "category_id": {**THINGS, **STUFF}[name], "iscrowd": iscrowd}


def test_shared_centers_are_things_of_two_classes_round_one_point():
    ids = np.full((9, 20), 900)
    ids[1:8, 1:8] = 70000
    ids[3:6, 3:6] = 5
    ids[2:7, 12:17] = 6
    sky, ring, ball = _segment(900, "sky"), _segment(70000, "ring"), _segment(5, "ball")
    far = _segment(6, "star")
    assert shared_center_segment_ids(ids, [sky, ring, ball, far]) == {70000, 5}
    assert shared_center_segment_ids(ids, [ring, _segment(5, "ring"), far]) == set()
    assert shared_center_segment_ids(ids, [ring, _segment(5, "ball", iscrowd=1)]) == set()


def test_shared_centers_may_be_two_pixels_apart_but_no_more():
    ids = np.zeros((1, 12), int)
    ids[0, [0, 2, 3, 10]] = [1, 2, 3, 4]
    close, far = (
        [_segment(1, "box"), _segment(2, "star")],
        [_segment(1, "box"), _segment(3, "star")],
    )
    assert shared_center_segment_ids(ids, close) == {1, 2}
    assert shared_center_segment_ids(ids, far) == set()


@pytest.mark.parametrize(
    ("shape", "inside", "outside"),
    [
        ("ball", [(0, 0), (0.9, 0)], [(0.75, 0.75)]),
        ("ring", [(0.8, 0), (0, -0.8)], [(0, 0), (0.5, 0)]),
        ("box", [(0.7, 0.7), (0, 0)], [(0.8, 0)]),
        ("frame", [(0.7, 0.7), (0.6, 0)], [(0, 0), (0.3, 0.3)]),
        ("triangle", [(0, -0.9), (0.8, 0.45), (0, 0)], [(0.5, -0.5), (0, 0.6)]),
        ("star", [(0, -0.9), (0.85, -0.28), (0.53, 0.73), (0, 0)], [(0, 0.9), (0.53, -0.73)]),
        ("cross", [(0.9, 0.2), (-0.2, 0.9), (0, 0)], [(0.5, 0.5)]),
    ],
)
def test_each_shape_is_where_it_should_be(shape, inside, outside):
    patch = measure(Outline(shape, x=100.0, y=100.0, radius=80.0), 200, 200)

    def distance(x: float, y: float) -> float:
        rows, columns = patch.window
        row, column = int(100 + y * 80) - rows.start, int(100 + x * 80) - columns.start
        return patch.distance[row, column]

    assert all(distance(*point) < 0 for point in inside)
    assert all(distance(*point) > 0 for point in outside)


# ---- PNG -----------------------------------------------------------------------------------------


def _steep_counts() -> np.ndarray:
    """Values as frequent as Fibonacci numbers: an unlimited Huffman code would exceed 15 bits."""
    fibonacci = [1, 1]
    while len(fibonacci) < 24:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    values = np.repeat(np.arange(24), fibonacci).astype(np.uint8)
    # One row, so that the filter leaves the values as they are.
    return values[: values.size // 3 * 3].reshape(1, -1, 3)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.full((40, 70, 3), 200, np.uint8),
        np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3),
        np.random.default_rng(0).integers(0, 256, (61, 83, 3), dtype=np.uint8),
        _steep_counts(),
    ],
    ids=["one pixel", "flat", "ramp", "noise", "steep"],
)
def test_png_decodes_to_the_same_pixels(image):
    decoded = Image.open(io.BytesIO(plain_png.encode_png(image)))
    assert decoded.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(decoded), image)


# ---- The folder ----------------------------------------------------------------------------------


def test_an_equal_dataset_is_kept_and_another_is_refused(folder):
    before = _digest(folder)
    assert write_dataset(folder, num_train=150, num_val=40, progress=False) is False
    with pytest.raises(UserError, match=r"scenes is not empty.*seed 1, 150 train, 40 val"):
        write_dataset(folder, num_train=150, num_val=40, seed=1, progress=False)
    assert _digest(folder) == before


def test_an_incomplete_or_foreign_folder_is_refused(tmp_path):
    write_dataset(tmp_path / "out", 1, 1, workers=1, progress=False)
    (tmp_path / "out" / "panoptic" / "val" / "000001.png").unlink()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("years of work")
    for name in ("out", "foreign"):
        with pytest.raises(UserError, match=f"{name} is not empty"):
            write_dataset(tmp_path / name, 1, 1, workers=1, progress=False)
    assert (tmp_path / "foreign" / "thesis.txt").read_text() == "years of work"


def test_a_file_in_place_of_the_folder_or_its_parent_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file is a file"):
        write_dataset(tmp_path / "file", 1, 1, workers=1, progress=False)
    with pytest.raises(UserError, match="cannot be written"):
        write_dataset(tmp_path / "file" / "out", 1, 1, workers=1, progress=False)


def test_an_empty_folder_is_filled(tmp_path):
    assert write_dataset(tmp_path, 1, 1, workers=1, progress=False)
    assert (tmp_path / "panoptic_val.json").exists()


def test_nothing_stays_behind_after_a_failure(tmp_path, monkeypatch):
    def fail(_):
        raise RuntimeError("lights out")

    monkeypatch.setattr(writer, "draw_scene", fail)
    with pytest.raises(RuntimeError, match="lights out"):
        write_dataset(tmp_path / "out", 1, 1, workers=1, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argument", ["num_train", "num_val", "workers"])
def test_an_argument_out_of_range_is_named(tmp_path, argument):
    with pytest.raises(UserError, match=f"{argument} is 0"):
        write_dataset(tmp_path / "out", **{argument: 0})
    with pytest.raises(UserError, match="seed is -1"):
        write_dataset(tmp_path / "out", seed=-1)
