"""Shards written one by one, in any order and more than once: the bytes of an ordinary build."""

import sys

import pytest

from maskconver_tf.datasets.build import beam_build
from maskconver_tf.datasets.build.beam_build import build_on_beam
from maskconver_tf.datasets.build.build import BuildSettings, build_named_source
from maskconver_tf.datasets.build.shard_build import build_by_shards, write_shard
from maskconver_tf.errors import UserError


def _options(folder):
    return {name: getattr(folder, name) for name in ("images", "panoptic", "annotations")}


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _backwards_and_twice(jobs):
    for job in [*reversed(jobs), jobs[0]]:
        write_shard(job)


@pytest.fixture
def spoiled(make_coco_folder):
    """Seven pictures, of which 3 is bad and 5 gray."""
    from PIL import Image

    folder = make_coco_folder(num_pictures=7)
    (folder.images / "3.jpg").unlink()
    gray = Image.open(folder.images / "5.jpg").convert("L")
    gray.save(folder.images / "5.jpg")
    return folder


def test_a_build_by_shards_has_the_bytes_of_an_ordinary_one(spoiled, tmp_path):
    options = {"num_shards": 3, "skip_bad": True}
    source = ("coco_panoptic", _options(spoiled))
    build_named_source(*source, tmp_path / "plain", workers=1, progress=False, **options)
    settings = BuildSettings(**options)
    summary = build_by_shards(_backwards_and_twice, *source, tmp_path / "shards", settings)
    assert _files(tmp_path / "shards") == _files(tmp_path / "plain")
    assert "dropped.json" in _files(tmp_path / "plain")
    assert summary.manifest["num_examples"] == 6


def test_bad_pictures_and_interruptions_leave_nothing(spoiled, tmp_path):
    source = ("coco_panoptic", _options(spoiled), tmp_path / "out")
    with pytest.raises(UserError, match=r"1 of 7 pictures cannot be used; nothing was"):
        build_by_shards(_backwards_and_twice, *source, BuildSettings())

    def interrupt(jobs):
        write_shard(jobs[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_by_shards(interrupt, *source, BuildSettings(num_shards=2, skip_bad=True))
    assert [path.name for path in tmp_path.iterdir()] == ["coco"]


def test_beam_builds_the_same_bytes(spoiled, tmp_path):
    pytest.importorskip("apache_beam")
    options = {"num_shards": 3, "skip_bad": True}
    source = ("coco_panoptic", _options(spoiled))
    build_named_source(*source, tmp_path / "plain", workers=1, progress=False, **options)
    build_on_beam(*source, tmp_path / "beam", workers=2, **options)
    assert _files(tmp_path / "beam") == _files(tmp_path / "plain")


def test_without_beam_the_way_out_is_named(spoiled, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(UserError, match=r"Apache Beam cannot be imported(.|\n)*docs/datasets.md"):
        build_on_beam("coco_panoptic", _options(spoiled), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_options_of_the_pipeline():
    arguments = beam_build._arguments("DirectRunner", 3, ["direct_running_mode=in_memory"])
    assert arguments == [
        "--runner=DirectRunner",
        "--direct_num_workers=3",
        "--direct_running_mode=multi_processing",
        "--direct_running_mode=in_memory",
    ]
    assert beam_build._arguments("FlinkRunner", None, []) == ["--runner=FlinkRunner"]
    with pytest.raises(UserError, match="--pipeline_option project: expected NAME=VALUE"):
        beam_build._arguments("DirectRunner", None, ["project"])
