"""`maskconver data check` from its arguments to the report."""

import json
import re

import pytest
import tensorflow as tf

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.build.build import build_dataset


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
    size = ["--input_size", "32,64", "--ceiling_pictures", "3"]
    assert _check(built, "--out", tmp_path / "of_built", *size) == 0
    text = capsys.readouterr().out
    assert "built: 3 of 3 pictures can be used" in text
    assert re.search(r"PQ ceiling at 32 x 64: \d+\.\d \(things .* of 3 pictures have no slot", text)
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
    assert part_source["ceilings"][0]["num_pictures"] == 3


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


def test_validation_takes_the_options_of_training_that_it_lacks(make_coco_folder, tmp_path):
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
    problems = _content(tmp_path / "out")["problems"]
    kinds = [entry["kind"] for entry in problems]
    assert kinds.count("class_lists") == 1
    shown = json.dumps(problems[kinds.index("class_lists")])
    assert "not the classes of train: class 0 (counted from 0): " in shown
    assert kinds.count("duplicate") == 3  # The validation pictures are the training pictures.
    page = (tmp_path / "out" / "check.html").read_text("utf-8")
    shown = page.partition("Duplicate pictures")[2].partition("<h2>")[0]
    captions = re.findall(r"<figcaption>(\w+: \d\.jpg: [^<]*)<", shown)
    pairs = list(zip(captions[::2], captions[1::2]))
    assert ("train: 0.jpg: ciel, pré, ballon", "val: 0.jpg: ciel, pré, ballon") in pairs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "DIR: missing; expected the folder of a dataset, or --source and its options"),
        (["{tmp}/gone"], "gone: found nothing, expected the folder of a dataset"),
        (["{tmp}"], "found neither dataset.json nor panoptic_"),
        (["{tmp}", "--images", "i"], "--images: cannot be combined with DIR"),
        (["{tmp}", "--val_split", "val"], "--val_split: cannot be combined with DIR"),
        (["{tmp}", "--input_size", "640"], "--input_size 640: expected height and width"),
        (["{tmp}", "--input_size", "640,650"], "--input_size 640,650: expected height and width"),
        (
            ["{tmp}", "--input_size", "a"],
            "--input_size a: expected height and width, such as 640,640",
        ),
        (["{tmp}", "--label_stride", "3"], "expected a label stride of 1 or more and a mask"),
        (["{tmp}", "--mask_stride", "0"], "expected a label stride of 1 or more and a mask"),
        (["{tmp}", "--num_slots", "0"], "--num_slots 0: expected 1 to 65535"),
        (["{tmp}", "--ceiling_pictures", "-1"], "--ceiling_pictures -1: expected 0 or more"),
        (["--source", "ade20k", "--root", "r"], "--split: missing; the source ade20k needs"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, capsys, arguments, message):
    assert _check(*(a.format(tmp=tmp_path) for a in arguments)) == 2
    assert message in capsys.readouterr().err


def test_nothing_is_read_if_the_report_cannot_be_written(make_coco_folder, tmp_path, capsys):
    folder = make_coco_folder()
    options = [
        f"--{name}={getattr(folder, name)}" for name in ("images", "panoptic", "annotations")
    ]
    assert _check(*options, "--out", folder.annotations) == 2
    printed = capsys.readouterr().err
    assert "cannot be written (found a file); expected a folder" in printed
    assert "pictures" not in printed


def test_val_names_the_folder_of_validation(make_coco_folder, tmp_path):
    built = _build(make_coco_folder(), tmp_path / "built")
    arguments = [built, "--val", built, "--out", tmp_path / "out", "--ceiling_pictures=0"]
    assert _check(*arguments) == 1
    assert _check(*arguments, "--exit_zero") == 0
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
    assert "found the parts built, train, val in total" in capsys.readouterr().err


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
    assert "only such a folder can be checked in a bucket" in capsys.readouterr().err
