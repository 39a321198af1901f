"""An export answers like the Python model, in a process that has only TensorFlow and NumPy."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.id_map import rgb_to_ids
from tests.e2e.exports.threshold import THRESHOLD

ONLY_TENSORFLOW = """
import importlib.metadata, re, sys

allowed, waiting = set(), ["tensorflow", "numpy"]
while waiting:
    name = re.match(r"[\\w.-]+", waiting.pop())[0].lower().replace("_", "-")
    if name not in allowed:
        allowed.add(name)
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            needed = []
        waiting += [line for line in needed if "extra ==" not in line]
allowed.discard("pillow")  # TensorBoard needs it.
of_module = importlib.metadata.packages_distributions()

class Refuse:
    def find_spec(self, name, path=None, target=None):
        packages = of_module.get(name.split(".")[0])
        if name == "maskconver_tf" or packages and not any(
            each.lower().replace("_", "-") in allowed for each in packages
        ):
            raise ModuleNotFoundError(f"{name} is not installed where the model is served")

sys.meta_path.insert(0, Refuse())
for forbidden in ("maskconver_tf", "tf_keras", "PIL", "gin"):
    try:
        __import__(forbidden)
    except ImportError:
        continue
    raise AssertionError(forbidden)

import numpy as np
import tensorflow as tf

version, out, *paths = sys.argv[1:]
loaded = tf.saved_model.load(version)
contents = tf.constant([open(path, "rb").read() for path in paths])
own = {"overlap_threshold": tf.constant([-1.0]), "min_area": tf.constant([-1])}
strict = tf.constant([-1.0, 0.999] + [0.999] * (len(paths) - 2))
image = tf.io.decode_png(contents[0], channels=3)
calls = {
    "batch": ("serving_default", {"encoded_images": contents}),
    "alone": ("serving_default", {"encoded_images": contents[:1]}),
    "own": ("serving_with_thresholds", {
        "encoded_images": contents, "score_threshold": tf.constant([-1.0]), **own}),
    "strict": ("serving_with_thresholds", {
        "encoded_images": contents, "score_threshold": strict, **own}),
    "empty": ("serving_default", {"encoded_images": tf.zeros([0], tf.string)}),
    "image": ("segment_image", {"image": image}),
    "tensor": ("segment_tensor", {"images": tf.stack([image, image[::-1]])}),
    "no_tensor": ("segment_tensor", {"images": tf.zeros([0, 9, 8, 3], tf.uint8)}),
    "heads": ("raw_heads", {"images": image[tf.newaxis]}),
    "no_heads": ("raw_heads", {"images": tf.zeros([0, 9, 8, 3], tf.uint8)}),
}
arrays = {}
for name, (signature, inputs) in calls.items():
    for field, value in loaded.signatures[signature](**inputs).items():
        value = value.numpy()
        if value.dtype == object:
            pickled = np.empty(value.shape, object)
            pickled[...] = value
            value = pickled
        arrays[f"{name}/{field}"] = value
np.savez(out, **arrays)
"""


@pytest.fixture(scope="module")
def predictor(trained):
    return maskconver_tf.load(trained, score_threshold=THRESHOLD)


@pytest.fixture(scope="module")
def pictures(scenes, tmp_path_factory) -> list[Path]:
    """A picture of each kind and of several sizes; one has to be turned."""
    folder = tmp_path_factory.mktemp("pictures")
    first, second, *_ = (Image.open(path) for path in sorted((scenes / "images/train").iterdir()))
    exif = Image.Exif()
    exif[0x112] = 6
    first.save(folder / "whole.png")
    second.resize((90, 61)).save(folder / "turned.jpg", quality=95, exif=exif)
    second.save(folder / "progressive.jpg", quality=95, progressive=True)
    first.resize((300, 60)).save(folder / "wide.bmp")
    first.save(folder / "lossy.webp", quality=95)
    second.save(folder / "moving.gif", save_all=True, append_images=[first])
    names = ["whole.png", "turned.jpg", "progressive.jpg", "wide.bmp", "lossy.webp", "moving.gif"]
    return [folder / name for name in names]


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory) -> dict[Path, int]:
    """Files that have no answer, and their statuses."""
    folder = tmp_path_factory.mktemp("bad")
    png = io.BytesIO()
    Image.new("RGB", (60, 40)).save(png, "PNG")
    huge = bytearray(png.getvalue())
    huge[16:24] = struct.pack(">LL", 12_000, 12_000)
    huge[29:33] = struct.pack(">L", zlib.crc32(huge[12:29]))
    contents = {"empty": (b"", 1), "text": (b"no picture at all", 2), "huge": (bytes(huge), 3)}
    contents["cut"] = (png.getvalue()[:60], 4)
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    return {folder / name: status for name, (_, status) in contents.items()}


@pytest.fixture(scope="module")
def served(exported, pictures, bad_files, tmp_path_factory) -> dict[str, np.ndarray]:
    """The answers of all signatures; the bad files stand behind the pictures."""
    out = tmp_path_factory.mktemp("served") / "arrays.npz"
    paths = [*pictures, *bad_files]
    arguments = [str(exported[0] / "1"), str(out), *map(str, paths)]
    subprocess.run([sys.executable, "-c", ONLY_TENSORFLOW, *arguments], check=True)
    return dict(np.load(out, allow_pickle=True))


def _map(png: bytes) -> np.ndarray:
    return rgb_to_ids(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))


def test_each_file_of_a_batch_gets_the_segments_of_the_python_model(served, predictor, pictures):
    for i, path in enumerate(pictures):
        expected = predictor(path)
        assert expected.segments
        count = served["batch/num_segments"][i]
        rows = {
            name.removeprefix("batch/"): value[i]
            for name, value in served.items()
            if name.startswith("batch/")
        }
        assert rows["status"] == 0 and rows["status_message"] == b""
        found = _map(rows["panoptic_png_bytes"])
        assert tuple(rows["image_size"]) == found.shape == expected.panoptic_map.shape
        assert np.mean(found == expected.panoptic_map) > 0.999
        np.testing.assert_array_equal(
            rows["segment_ids"][:count], [s.id for s in expected.segments]
        )
        np.testing.assert_allclose(
            rows["scores"][:count], [s.score for s in expected.segments], rtol=1e-4
        )
        categories = [predictor.categories[s.class_id] for s in expected.segments]
        assert rows["category_ids"][:count].tolist() == [each.id for each in categories]
        assert [name.decode() for name in rows["category_names"][:count]] == [
            each.name for each in categories
        ]
        for segment, area, box in zip(expected.segments, rows["areas"], rows["boxes"]):
            inside = np.argwhere(found == segment.id)
            assert area == len(inside)
            assert box.tolist() == [*inside.min(0), *(inside.max(0) + 1)]
        for name in ("segment_ids", "category_ids", "scores", "areas", "boxes"):
            assert not rows[name][count:].any()
        assert not any(rows["category_names"][count:])


def test_bad_files_have_statuses_and_fail_no_other(served, pictures, bad_files):
    bad = slice(len(pictures), None)
    assert served["batch/status"][bad].tolist() == list(bad_files.values())
    assert all(served["batch/status_message"][bad])
    assert not any(served["batch/panoptic_png_bytes"][bad])
    for name in ("image_size", "num_segments", "segment_ids", "scores", "areas", "boxes"):
        assert not served[f"batch/{name}"][bad].any()
    for name in ("segment_ids", "category_ids", "areas", "boxes", "panoptic_png_bytes"):
        np.testing.assert_array_equal(served[f"batch/{name}"][0], served[f"alone/{name}"][0])


def test_thresholds_of_a_request(served, exported):
    for name, value in served.items():
        if name.startswith("own/"):
            np.testing.assert_array_equal(value, served["batch/" + name.removeprefix("own/")])
    counts = served["strict/num_segments"]
    assert counts[0] == served["batch/num_segments"][0] > 0
    assert not counts[1:].any()
    content = (exported[0] / "1/saved_model.pb").read_bytes()
    [graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    defaults = graph.signature_def["serving_with_thresholds"].defaults
    found = {name: tf.make_ndarray(value).tolist() for name, value in defaults.items()}
    assert found.keys() == {"score_threshold", "overlap_threshold", "min_area"}
    assert found["score_threshold"] == [pytest.approx(THRESHOLD)]
    assert not graph.signature_def["serving_default"].defaults


def test_arrays_without_decoding(served):
    count = len(served["image/segment_ids"])
    np.testing.assert_array_equal(served["tensor/panoptic_map"][0], served["image/panoptic_map"])
    np.testing.assert_array_equal(
        served["image/panoptic_map"], _map(served["batch/panoptic_png_bytes"][0])
    )
    assert served["tensor/num_segments"][0] == count > 0
    for name in ("segment_ids", "category_ids", "category_names", "areas", "boxes"):
        np.testing.assert_array_equal(served[f"tensor/{name}"][0][:count], served[f"image/{name}"])
    assert served["tensor/panoptic_map"].shape[0] == 2


def test_empty_batches_are_answered_by_empty_fields(served):
    for kind, full in (("empty", "batch"), ("no_tensor", "tensor"), ("no_heads", "heads")):
        fields = {name.split("/")[1] for name in served if name.startswith(f"{full}/")}
        for field in fields:
            found = served[f"{kind}/{field}"]
            assert len(found) == 0 and found.ndim == served[f"{full}/{field}"].ndim, field


def test_raw_heads_have_scores_classes_embeddings_and_features(served):
    scores, features = served["heads/proposal_scores"], served["heads/mask_features"]
    embeddings = served["heads/mask_embeddings"]
    assert scores.shape == served["heads/proposal_class_ids"].shape == embeddings.shape[:2]
    assert embeddings.shape[2] == features.shape[3]
    assert served["heads/content_size"].shape == (1, 2)
    found = served["image/scores"]  # Each segment has the score of one proposal.
    distances = np.abs(scores[0][np.newaxis] - found[:, np.newaxis]).min(axis=1)
    assert len(found) and np.all(distances <= 1e-4 * found)


def test_assets_tell_where_the_model_comes_from(exported, trained, predictor):
    assets = exported[0] / "1/assets"
    categories = Categories.load(assets / "categories.json")
    assert categories.names == predictor.categories.names
    colors = json.loads((assets / "colors.json").read_text())
    assert [each["id"] for each in colors] == list(categories.source_ids)
    assert [each["color"] for each in colors] == categories.colors.tolist()
    preprocessing = json.loads((assets / "preprocessing.json").read_text())
    assert preprocessing["max_pixels"] == 50_000_000
    provenance = json.loads((assets / "provenance.json").read_text())
    assert provenance["packages"]["tensorflow"] == tf.__version__
    assert provenance["training"] == json.loads((trained / "run.json").read_text())
    assert provenance["training_settings"] == (trained / "config.gin").read_text()
    assert provenance["fusion"]["score_threshold"] == THRESHOLD


def test_the_export_is_measured_and_ready_to_warm_up(exported):
    out, printed = exported
    assert "MB in" in printed and "loaded in" in printed
    rows = [line.split() for line in printed.splitlines() if line.strip()[:1] in ("1", "3")]
    assert [row[0] for row in rows] == ["1", "3"]
    extra = out / "1/assets.extra"
    records = [
        record.numpy()
        for record in tf.data.TFRecordDataset(str(extra / "tf_serving_warmup_requests"))
    ]
    assert [record.count(b"\xff\xd8\xff") for record in records] == [1, 3]
    parameters = (extra / "batching_parameters.txt").read_text()
    assert "max_batch_size { value: 3 }" in parameters
    assert "allowed_batch_sizes: 1\nallowed_batch_sizes: 3\n" in parameters
    assert [path.name for path in out.iterdir()] == ["1"]


def test_predictor_of_an_export_equals_that_of_the_run(exported, predictor, pictures):
    found = maskconver_tf.load(exported[0])(pictures[0])
    expected = predictor(pictures[0])
    np.testing.assert_array_equal(found.panoptic_map, expected.panoptic_map)
    assert [s.class_id for s in found.segments] == [s.class_id for s in expected.segments]


def test_the_next_version_may_hold_only_the_network(exported, trained, tmp_path):
    out = tmp_path / "exported"
    shutil.copytree(exported[0], out)  # Other tests read the export, too.
    arguments = ["export", "--model", str(trained), "--out", str(out)]
    assert main([*arguments, "--model_only", "--skip_measure"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["1", "2"]
    loaded = tf.saved_model.load(str(out / "2"))
    assert set(loaded.signatures) == {"serving_default", "raw_heads"}
    with pytest.raises(UserError, match=r"2: found an export without .*without --model_only"):
        maskconver_tf.load(out)


def test_an_export_needs_no_file_that_only_people_and_servers_read(exported, tmp_path):
    version = tmp_path / "1"
    shutil.copytree(exported[0] / "1", version)
    files = [path for folder in ("assets", "assets.extra") for path in (version / folder).iterdir()]
    harmed = [path for path in files if path.name != "categories.json"]
    assert len(harmed) == 5
    for path in harmed:
        path.write_bytes(path.read_bytes()[:20])
    assert maskconver_tf.load(tmp_path).categories
