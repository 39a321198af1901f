"""`data check --against` on folders that real builds wrote, with its report."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.build.build import build_named_source
from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes
from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_proof.prove_dataset import prove_dataset
from tests.unit.datasets.proof.built_folder import BuiltFolder


def _build(name, out, skip_bad=False, **options):
    given = {key: str(value) for key, value in options.items()}
    build_named_source(name, given, out, workers=1, progress=False, skip_bad=skip_bad)
    return str(out)


def _prove(folder, val=None, place="", kind=None, out=None, workers=1, val_options=(), **options):
    return prove_dataset(
        folder, val, place, kind, options, dict(val_options), out, workers, progress=False
    )


def _paths(root, part):
    return {
        "images": root / "images" / part,
        "panoptic": root / "panoptic" / part,
        "annotations": root / f"panoptic_{part}.json",
    }


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """What `make_cases.py` writes; it lies beside the folder MASKCONVER_DATA."""
    beside = Path(__file__).resolve().parents[4].parent / "shared" / "data"
    script = Path(os.environ.get("MASKCONVER_DATA", beside)).parent / "cases" / "make_cases.py"
    if not script.is_file():
        pytest.skip(f"{script} does not exist: set MASKCONVER_DATA to the folder data beside it")
    out = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, script, out], check=True)
    return out


@pytest.fixture
def scenes(tmp_path):
    write_toy_scenes(str(tmp_path / "scenes"), 6, 3, seed=1, workers=1)
    return tmp_path / "scenes"


def test_both_parts_of_generated_scenes(scenes, tmp_path):
    folders = [
        _build("coco_panoptic", tmp_path / part, **_paths(scenes, part))
        for part in ("train", "val")
    ]
    report = _prove(*folders)
    assert report.problems == []
    assert str(report).count("Records and source are equal") == 2
    moved = scenes.rename(tmp_path / "elsewhere")
    assert _prove(*folders, place=str(moved)).problems == []
    options, val_options = (
        {name: str(value) for name, value in _paths(moved, part).items()}
        for part in ("train", "val")
    )
    assert _prove(*folders, val_options=val_options, **options).problems == []
    wrong = _prove(*folders, val_options=options, **options).problems
    assert {(part, f.problem.name) for part, f in wrong} >= {("val", "NO_RECORD")}
    assert {part for part, _ in wrong} == {"val"}


def test_pictures_of_coco(coco200, tmp_path):
    folder = _build("coco_panoptic", tmp_path / "train", **_paths(coco200, "train"))
    assert _prove(folder, workers=2).problems == []
    built = BuiltFolder(tmp_path / "train")
    record = built.records()[17]
    class_ids = record.segment_class_ids.copy()
    class_ids[-1] += 1
    built.change(17, segment_class_ids=class_ids)
    [(part, finding)] = _prove(folder).problems
    assert (part, finding.picture) == ("train", record.file_name)
    assert f"segment id {record.segment_ids[-1]}: the record has class {class_ids[-1]}" in (
        finding.found
    )
    other = _prove(folder, **{k: str(v) for k, v in _paths(coco200, "val").items()})
    kinds = {finding.problem.name for _, finding in other.problems}
    assert kinds == {"NO_RECORD", "NO_SOURCE"}


def test_label_pictures_of_four_bits(cases, tmp_path):
    root = cases / "gray_4_bit"
    options = {name: root / name for name in ("images", "semantic", "instances")}
    options["classes"] = root / "classes.json"
    folder = _build("png_folders", tmp_path / "built", **options)
    assert _prove(folder).problems == []
    path = root / "semantic" / "a.png"
    labels = np.zeros([64, 96], np.uint8)
    labels[:16], labels[16:32], labels[32:40] = 1, 2, 2
    original = path.read_bytes()
    Image.fromarray(labels).save(path)
    assert {f.problem.name for _, f in _prove(folder).problems} == {"SEGMENT"}
    path.write_bytes(original)


def test_instances_with_background(cases, tmp_path):
    root = cases / "instances"
    content = json.loads((root / "no_segmentation.json").read_text())
    annotations = tmp_path / "a.json"
    annotations.write_text(json.dumps(content))
    options = {"images": root / "images", "annotations": annotations, "background": "bg"}
    folder = _build("coco_instances", tmp_path / "built", skip_bad=True, **options)
    report = _prove(folder)
    assert report.problems == []
    assert "Pictures: 2 came in = 1 in records + 1 left out" in str(report)
    assert "Segments: 3 came in + 1 made of unlabelled" in str(report)
    square = [[10, 10, 40, 10, 40, 40, 10, 40]]
    content["annotations"][0]["segmentation"] = square  # Now the picture can be used.
    annotations.write_text(json.dumps(content))
    assert [f.problem.name for _, f in _prove(folder).problems] == ["OLD_REASON"]
    report = _prove(folder, background="other")
    assert "CLASSES" in {f.problem.name for _, f in report.problems}


@pytest.mark.parametrize("case", ["plain", "coco_tree"])
def test_panoptic_cases(cases, tmp_path, case):
    root, name = cases / case, "panoptic.json"
    if case == "coco_tree":
        root, name = root / "part", "panoptic_train.json"
    options = {"images": root / "images", "panoptic": root / "panoptic"}
    folder = _build("coco_panoptic", tmp_path / "built", annotations=root / name, **options)
    assert _prove(folder).problems == []


# ---- Report and command --------------------------------------------------------------------------
@pytest.fixture
def built(make_coco_folder, tmp_path):
    return BuiltFolder.build(make_coco_folder(num_pictures=3), tmp_path / "built")


def test_the_report_is_a_page_and_json(built, tmp_path):
    built.write(built.records()[:2])
    report = _prove(str(built.path), out=str(tmp_path / "report"))
    content = json.loads((tmp_path / "report" / "check.json").read_text())
    part = content["parts"]["built"]
    assert (part["equals_source"], part["num_missing_pictures"]) == (False, 1)
    assert part["balance"][0].endswith("= 2 in records + 0 left out + 1 missing in the records")
    [problem] = content["problems"]
    assert (problem["kind"], problem["picture"]) == ("no_record", "2.jpg")
    page = (tmp_path / "report" / "check.html").read_text()
    for text in (*part["balance"], "picture without a record", "2.jpg"):
        assert text in page
    assert f"{tmp_path / 'report' / 'check.html'}: written" in str(report)


def test_the_command_ends_with_1_for_a_difference(built, capsys):
    argv = ["data", "check", str(built.path), "--against", "--workers", "1"]
    assert main(argv) == 0
    assert "Records and source are equal" in capsys.readouterr().out
    built.write(built.records()[:2])
    assert main(argv) == 1
    out = capsys.readouterr().out
    assert "Pictures: 3 came in = 2 in records + 0 left out + 1 missing in the records" in out
    assert re.search(r"picture without a record \(1\)\n    .*2\.jpg: 4 segments", out)
    assert main([*argv, "--exit_zero"]) == 0


def test_arguments_that_exclude_each_other(built, capsys):
    path = str(built.path)
    assert main(["data", "check", "--against", path]) == 2
    assert "--against: DIR is missing" in capsys.readouterr().err
    assert main(["data", "check", path, "--against", "--num_slots", "5"]) == 2
    assert "--num_slots: --against compares records and source" in capsys.readouterr().err
    assert main(["data", "check", path, "--against", "--val_split", "v"]) == 2
    assert "--val_split: there is no --val DIR" in capsys.readouterr().err
    with pytest.raises(UserError, match="not a dataset folder"):
        _prove(str(built.path.parent))


def test_a_proof_needs_no_tensorflow(built):
    program = (
        "import sys; from maskconver_tf.cli.main import main; "
        f"status = main(['data', 'check', {str(built.path)!r}, '--against', '--workers', '1']); "
        "sys.exit(status or 10 * ('tensorflow' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
