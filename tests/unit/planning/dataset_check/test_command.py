"""`maskconver data check` from its arguments to the report."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.census.duplicates import DuplicateFinder
from maskconver_tf.datasets.census.inspection import Inspection, Task, inspect
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_check.checker import Grid


def _build(folder, out):
    build_dataset(
        folder.images, folder.panoptic, folder.annotations, out, workers=1, progress=False
    )
    return out


def _check(*arguments):
    argv = ["data", "check", *map(str, arguments), "--workers", "1"]
    return main(argv)


def _content(out):
    return json.loads((out / "check.json").read_text("utf-8"))


def test_a_built_folder_and_its_source_have_the_same_counts(make_coco_folder, tmp_path, capsys):
    folder = make_coco_folder()
    built = _build(folder, tmp_path / "built")
    size = ["--input_size", "32,64", "--ceiling_pictures", "2"]
    assert _check(built, "--out", tmp_path / "of_built", *size) == 0
    text = capsys.readouterr().out
    assert "built: 3 pictures that can be used of 3" in text
    assert re.search(r"PQ ceiling at 32 x 64: \d+\.\d \(things .* of 2 pictures", text)
    options = [f"--{name}={getattr(folder, name)}" for name in ("images", "panoptic")]
    options += [f"--annotations={folder.annotations}", "--out", tmp_path / "of_source"]
    assert _check(*options, *size) == 0
    of_built, of_source = _content(tmp_path / "of_built"), _content(tmp_path / "of_source")
    [part_built], [part_source] = of_built["parts"].values(), of_source["parts"].values()
    for key in part_source.keys() - {"where", "layout"}:
        assert part_built[key] == part_source[key], key
    sky, _, ball = part_source["classes"]
    assert (sky["num_pictures"], ball["num_segments"], ball["num_crowds"]) == (3, 6, 1)
    assert part_source["sizes"]["height"] == [24, 24]
    assert part_source["ceilings"][0]["num_pictures"] == 2


def test_a_damaged_shard_is_named_and_the_rest_is_checked(make_coco_folder, tmp_path):
    folder = make_coco_folder()
    build_dataset(
        folder.images,
        folder.panoptic,
        folder.annotations,
        tmp_path / "built",
        num_shards=3,
        workers=1,
        progress=False,
    )
    path = tmp_path / "built" / "data-00001-of-00003.tfrecord"
    content = bytearray(path.read_bytes())
    content[100] ^= 255
    path.write_bytes(content)
    _check(tmp_path / "built", "--out", tmp_path / "out", "--ceiling_pictures=0")
    report = _content(tmp_path / "out")
    assert report["parts"]["built"]["num_pictures"] == 2
    damaged = [entry for entry in report["problems"] if entry["kind"] == "damaged_shard"]
    assert [entry["file"] for entry in damaged] == [str(path)]


def test_the_page_needs_no_other_file_and_shows_names_as_text(make_coco_folder, tmp_path):
    folder = make_coco_folder()
    with folder.edit() as content:
        content["categories"][0]["name"] = "<script>небо</script>"
    _check(
        *(f"--{name}={getattr(folder, name)}" for name in ("images", "panoptic", "annotations")),
        "--out",
        tmp_path / "out",
        "--ceiling_pictures=0",
    )
    page = (tmp_path / "out" / "check.html").read_text("utf-8")
    assert "&lt;script&gt;небо&lt;/script&gt;" in page
    assert "<script" not in page
    pictures = page.partition("Pictures and their truth")[2]
    assert pictures.count('src="data:image/jpeg;base64,') == 3
    assert set(re.findall(r'(?:src|href)="(.{5})', page)) == {"data:"}
    assert page.count("<svg") == 4


def test_validation_of_a_source_has_the_options_of_training_but_those_given(
    make_coco_folder, tmp_path
):
    folder = make_coco_folder()
    with folder.edit() as content:
        content["categories"].reverse()
        (tmp_path / "val.json").write_text(json.dumps(content))
    with folder.edit() as content:
        content["categories"].reverse()
    _check(
        *(f"--{name}={getattr(folder, name)}" for name in ("images", "panoptic", "annotations")),
        f"--val_annotations={tmp_path / 'val.json'}",
        f"--out={tmp_path / 'out'}",
        "--ceiling_pictures=0",
    )
    kinds = [entry["kind"] for entry in _content(tmp_path / "out")["problems"]]
    assert kinds.count("class_lists") == 1
    assert kinds.count("duplicate") == 3  # The validation pictures are the training pictures.
    page = (tmp_path / "out" / "check.html").read_text("utf-8")
    shown = page.partition("There twice")[2].partition("<h2>")[0]
    captions = re.findall(r"<figcaption>(\w+: \d\.jpg: [^<]*)<", shown)
    pairs = list(zip(captions[::2], captions[1::2]))
    assert ("train: 0.jpg: ciel, pré, ballon", "val: 0.jpg: ciel, pré, ballon") in pairs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "DIR: missing; name a folder, or --source and its options"),
        (["{tmp}/gone"], "gone: found nothing, expected the folder of a dataset"),
        (["{tmp}"], "found neither dataset.json nor panoptic_"),
        (["{tmp}", "--images", "i"], "--images: found beside DIR"),
        (["{tmp}", "--val_split", "val"], "--val_split: found beside DIR"),
        (["{tmp}", "--input_size", "640"], "--input_size 640: expected height and width"),
        (["{tmp}", "--input_size", "640,650"], "--input_size 640,650: expected height and width"),
        (["{tmp}", "--input_size", "a"], "found a, expected height and width such as 640,640"),
        (["{tmp}", "--label_stride", "3"], "the second must divide the first"),
        (["{tmp}", "--mask_stride", "0"], "the second must divide the first"),
        (["{tmp}", "--num_slots", "0"], "--num_slots 0: expected 1 to 65535 segments"),
        (["{tmp}", "--ceiling_pictures", "-1"], "--ceiling_pictures -1: expected 0 or more"),
        (["--source", "ade20k", "--root", "r"], "--split: missing; the source ade20k needs"),
    ],
)
def test_mistakes_are_said(tmp_path, capsys, arguments, message):
    assert _check(*(a.format(tmp=tmp_path) for a in arguments)) == 2
    assert message in capsys.readouterr().err


def test_where_the_report_cannot_go_nothing_is_read(make_coco_folder, tmp_path, capsys):
    folder = make_coco_folder()
    options = [
        f"--{name}={getattr(folder, name)}" for name in ("images", "panoptic", "annotations")
    ]
    assert _check(*options, "--out", folder.annotations) == 2
    printed = capsys.readouterr().err
    assert "cannot be written (File exists); choose another --out" in printed
    assert "pictures" not in printed


def test_val_is_one_part(make_coco_folder, tmp_path):
    built = _build(make_coco_folder(), tmp_path / "built")
    assert _check(built, "--val", built, "--out", tmp_path / "out", "--ceiling_pictures=0") == 0
    kinds = [entry["kind"] for entry in _content(tmp_path / "out")["problems"]]
    assert kinds.count("duplicate") == 3


def test_val_with_two_parts_is_refused(make_coco_folder, tmp_path, capsys):
    folder = make_coco_folder()
    built = _build(folder, tmp_path / "built")
    for part in ("train", "val"):
        for kind, source in (("images", folder.images), ("panoptic", folder.panoptic)):
            (tmp_path / "two" / kind).mkdir(parents=True, exist_ok=True)
            (tmp_path / "two" / kind / part).symlink_to(source)
        (tmp_path / "two" / f"panoptic_{part}.json").symlink_to(folder.annotations)
    assert _check(built, "--val", tmp_path / "two") == 2
    assert "found the parts built, train, val in all" in capsys.readouterr().err


def test_a_built_folder_may_be_remote(make_coco_folder, tmp_path, capsys):
    local = _build(make_coco_folder(), tmp_path / "built")
    remote = "ram://check/built"
    tf.io.gfile.makedirs(remote)
    for path in local.iterdir():
        tf.io.gfile.copy(str(path), f"{remote}/{path.name}", overwrite=True)
    assert _check(remote, "--out", tmp_path / "out", "--ceiling_pictures=0") == 0
    assert _content(tmp_path / "out")["parts"]["built"]["num_pictures"] == 3
    tf.io.gfile.remove(f"{remote}/dataset.json")
    assert _check(remote) == 2
    assert "of remote folders only built ones can be checked" in capsys.readouterr().err


def test_grid_refuses_three_sides():
    with pytest.raises(UserError, match="--input_size 32,32,3: expected height and width"):
        Grid([(32, 32, 3)])


def test_different_pictures_of_one_kind_are_no_duplicates(make_coco_folder):
    """Flat pictures, noise and a gradient, each twice with noise of the encoder."""
    rng = np.random.default_rng(0)
    finder = DuplicateFinder()
    pictures = [np.full([16, 17], v) for v in (0, 90, 200)]
    pictures += [rng.integers(0, 255, [16, 17]) for _ in range(20)]
    pictures.append(np.arange(16 * 17).reshape(16, 17) % 256)
    numbers = [finder.add(_inspection(p, i))[0] for i, p in enumerate(pictures)]
    assert numbers == [None] * len(pictures)
    again = [
        np.clip(p + (rng.random(p.shape) < 0.05) * rng.integers(-2, 3, p.shape), 0, 255)
        for p in pictures
    ]
    found = [finder.add(_inspection(p, 100 + i)) for i, p in enumerate(again)]
    assert [number for number, _ in found] == list(range(len(pictures)))
    assert not any(same_file for _, same_file in found)


def test_the_next_frame_of_a_film_is_no_duplicate():
    """A still scene with encoder noise, in which something small has come."""
    scene = np.random.default_rng(0).integers(40, 200, [16, 17])
    moved = scene + (np.indices(scene.shape).sum(0) % 2)
    moved[5, 9] += 25
    finder = DuplicateFinder()
    assert [finder.add(_inspection(p, i))[0] for i, p in enumerate((scene, moved))] == [None] * 2


def _inspection(small, number):
    nothing = np.zeros(1, np.int64)
    return Inspection(
        name=str(number),
        size=(4, 4),
        segment_ids=[],
        class_ids=[],
        is_crowd=[],
        areas=nothing,
        num_merged=0,
        num_hidden=0,
        oddity=None,
        digest=bytes([number]),
        small=small.astype(np.uint8),
        segment_map=None,
        drawing=None,
        findings=[],
    )


def test_a_picture_without_anything_is_inspected(make_coco_folder):
    folder = make_coco_folder(num_pictures=1)
    folder.paint(0, folder.ids(0) * 0)
    with folder.edit() as content:
        content["annotations"][0]["segments_info"] = []
    source = CocoPanoptic(folder.images, folder.panoptic, folder.annotations)
    [item] = source.items
    found = inspect(Task(item, keep_map=True, draw=source.categories))
    assert found.areas.tolist() == [24 * 32]
    assert found.segment_map.max() == 0
    assert found.drawing.startswith(b"\xff\xd8")


@pytest.mark.parametrize("extent", [{"area": [1, 2]}, {"area": "5"}, {"bbox": [[1], 2, 3, 4]}])
def test_an_extent_that_is_no_number_is_a_finding(make_coco_folder, extent):
    folder = make_coco_folder(num_pictures=1)
    with folder.edit() as content:
        content["annotations"][0]["segments_info"][0].update(extent)
    [item] = CocoPanoptic(folder.images, folder.panoptic, folder.annotations).items
    [finding] = inspect(Task(item)).findings
    assert finding.problem is Problem.EXTENT
