"""A build tells where every picture and every segment of the source went."""

import json

import pytest
from PIL import Image

from maskconver_tf.datasets.build.build import BuildSettings, build_named_source
from maskconver_tf.datasets.build.shard_build import build_by_shards, write_shard

SIDE = 16


def _box(left, top, side):
    right, bottom = left + side, top + side
    return [[left, top, right, top, right, bottom, left, bottom]]


@pytest.fixture
def options(tmp_path):
    """Four pictures: a sound one, one with a hidden object, one without a size, an empty one."""
    annotations = [
        (1, _box(2, 2, 6)),
        (1, _box(9, 9, 4)),
        (2, _box(4, 4, 6)),
        (2, _box(4, 4, 6)),
        (3, _box(1, 1, 3)),
    ]
    content = {
        "images": [
            {"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE} for i in range(1, 5)
        ],
        "annotations": [
            {"id": number, "image_id": image, "category_id": 1, "segmentation": polygons}
            for number, (image, polygons) in enumerate(annotations, start=1)
        ],
        "categories": [{"id": 1, "name": "box"}],
    }
    del content["images"][2]["width"]
    for image in content["images"]:
        Image.new("RGB", (SIDE, SIDE)).save(tmp_path / image["file_name"])
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return {"images": str(tmp_path), "annotations": str(tmp_path / "instances.json")}


def _build(options, out):
    settings = {"workers": 1, "progress": False, "skip_bad": True}
    return build_named_source("coco_instances", options, out, **settings)


def test_segments_that_came_in_are_those_that_went_somewhere(options, tmp_path):
    text = str(_build(options, tmp_path / "out"))
    assert "\nPictures: 4 came in = 3 in records + 1 left out\n" in text
    assert (
        "\nSegments: 5 came in = 3 in records + 1 hidden, others cover them wholly + 1 left out "
        "with their pictures\n"
    ) in text


def test_segments_of_background_are_counted_as_made(options, tmp_path):
    summary = _build(options | {"background": "rest"}, tmp_path / "out")
    assert "Segments: 5 came in + 3 made of unlabelled pixels or of the files" in str(summary)
    count = summary.manifest
    went = ("segments", "merged_stuff_segments", "hidden_segments", "left_out_segments")
    came = count["num_listed_segments"] + count["num_made_segments"]
    assert came == sum(count[f"num_{name}"] for name in went) == 8


def test_a_build_in_shards_counts_the_same(options, tmp_path):
    def run(jobs):
        for job in jobs:
            write_shard(job)

    settings = BuildSettings(skip_bad=True)
    by_shards = build_by_shards(run, "coco_instances", options, tmp_path / "shards", settings)
    assert by_shards.manifest == _build(options, tmp_path / "out").manifest


def test_a_source_without_a_list_counts_what_it_reads(tmp_path):
    classes = [{"id": 1, "name": "sky", "isthing": 0}, {"id": 2, "name": "cat", "isthing": 1}]
    (tmp_path / "classes.json").write_text(json.dumps(classes))
    for name in ("images", "semantic", "instances"):
        (tmp_path / name).mkdir()
        for number in (1, 2):
            Image.new("L", (SIDE, SIDE), 1).save(tmp_path / name / f"{number}.png")
    (tmp_path / "semantic" / "2.png").unlink()
    given = {name: str(tmp_path / name) for name in ("images", "semantic", "instances")}
    summary = build_named_source(
        "png_folders",
        given | {"classes": str(tmp_path / "classes.json")},
        tmp_path / "out",
        workers=1,
        progress=False,
        skip_bad=True,
    )
    assert "Pictures: 2 came in = 1 in records + 1 left out" in str(summary)
    assert (
        "Segments: 1 came in = 1 in records; the segments of the pictures that were left out are "
        "not known"
    ) in str(summary)
