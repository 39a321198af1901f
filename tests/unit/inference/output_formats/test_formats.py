"""Each format, read back by other programs' readers, equals the panoptic map."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import cv2
import numpy as np
import pytest
import roifile
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.inference.output_formats.coco import CocoOutput, read_image_ids
from maskconver_tf.inference.output_formats.drawing import DrawingOutput
from maskconver_tf.inference.output_formats.format_names import FORMATS
from maskconver_tf.inference.output_formats.geojson import GeojsonOutput
from maskconver_tf.inference.output_formats.imagej_roi import ImagejRoiOutput
from maskconver_tf.inference.output_formats.label_tiff import LabelTiffOutput
from maskconver_tf.inference.output_formats.named_formats import make_formats
from maskconver_tf.inference.output_formats.output_format import FinishedPicture
from tests.unit.inference.output_formats.predictions import (
    CATEGORIES,
    make_prediction,
    random_prediction,
    rings_prediction,
)

PREDICTIONS = [rings_prediction()]
PREDICTIONS += [random_prediction(seed, large_ids=seed % 3 == 0) for seed in range(12)]
PREDICTIONS += [make_prediction(np.zeros((5, 4), int), [])]


def fill(rings, shape):
    """Which pixels have their middle inside closed rings, by the even-odd rule."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0)):
            if y0 != y1:
                crosses = (y > min(y0, y1)) & (y < max(y0, y1))
                inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_geojson_polygons_fill_the_map(prediction, tmp_path):
    GeojsonOutput().write(tmp_path, "a", "a.png", prediction)
    content = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))
    assert content["type"] == "FeatureCollection"
    back = np.zeros_like(prediction.panoptic_map)
    for feature, segment in zip(content["features"], prediction.segments, strict=True):
        geometry, properties = feature["geometry"], feature["properties"]
        coordinates = geometry["coordinates"]
        polygons = [coordinates] if geometry["type"] == "Polygon" else coordinates
        for rings in polygons:
            assert all(ring[0] == ring[-1] and len(ring) >= 5 for ring in rings)
            mask = fill([ring[:-1] for ring in rings], back.shape)
            assert not back[mask].any(), "polygons overlap"
            back[mask] = properties["segment_id"]
        category = CATEGORIES[segment.class_id]
        assert properties["classification"]["name"] == category.name
        assert properties["measurements"]["area px^2"] == segment.area
        assert properties["objectType"] == ("detection" if category.isthing else "annotation")
    np.testing.assert_array_equal(back, prediction.panoptic_map)


def test_a_hole_is_a_ring_of_its_polygon_and_a_part_a_polygon(tmp_path):
    GeojsonOutput().write(tmp_path, "a", "a.png", rings_prediction())
    features = json.loads((tmp_path / "a.geojson").read_text())["features"]
    found = {f["properties"]["segment_id"]: f["geometry"] for f in features}
    assert found[1]["type"] == "Polygon"
    assert len(found[1]["coordinates"]) == 2
    assert found[2]["type"] == "MultiPolygon"
    assert len(found[2]["coordinates"]) == 2


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_regions_of_imagej_fill_the_map(prediction, tmp_path):
    ImagejRoiOutput().write(tmp_path, "a", "a.png", prediction)
    path = tmp_path / "a_rois.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        encoded = [archive.read(name) for name in archive.namelist()]
    regions = [roifile.ImagejRoi.frombytes(each) for each in encoded]
    back = np.zeros_like(prediction.panoptic_map)
    for region, segment in zip(regions, prediction.segments, strict=True):
        rings = region.coordinates(multi=True)
        rings = rings if isinstance(rings, list) else [rings]
        mask = fill(rings, back.shape)
        assert not back[mask].any(), "regions overlap"
        assert region.name.startswith(f"{segment.id:05d}-")
        back[mask] = segment.id
        assert (region.left, region.top, region.right, region.bottom) == (
            *segment.box[1::-1],
            *segment.box[:1:-1],
        )
        color = CATEGORIES.colors[segment.class_id].tolist()
        assert list(region.stroke_color) == [255, *color]
        assert f"score: {segment.score:.4f}" in region.props
        assert CATEGORIES[segment.class_id].name in region.props
    np.testing.assert_array_equal(back, prediction.panoptic_map)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_label_picture_equals_the_map(prediction, tmp_path):
    LabelTiffOutput().write(tmp_path, "a", "a.png", prediction)
    largest = prediction.panoptic_map.max()
    by_pillow = Image.open(tmp_path / "a_labels.tif")
    assert by_pillow.tag_v2[258] == (32 if largest > 65_535 else 16,)
    np.testing.assert_array_equal(np.asarray(by_pillow), prediction.panoptic_map)
    if largest < 2**16:
        by_opencv = cv2.imread(str(tmp_path / "a_labels.tif"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(by_opencv, prediction.panoptic_map)
    with (tmp_path / "a_labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["label"]) for row in rows] == [s.id for s in prediction.segments]
    assert [int(row["area"]) for row in rows] == [s.area for s in prediction.segments]
    assert [row["class"] for row in rows] == [
        CATEGORIES[s.class_id].name for s in prediction.segments
    ]


def test_coco_files_equal_the_maps(tmp_path):
    (tmp_path / "predictions/sub").mkdir(parents=True)
    output = CocoOutput({"1.png": 77, "photos/2.png": "two"})
    finished = []
    for number, prediction in enumerate(PREDICTIONS):
        source, stem = f"photos/{number}.png", f"sub/{number}"
        kept = output.write(tmp_path, stem, source, prediction)
        finished.append(FinishedPicture(source, stem, json.loads(json.dumps(kept))))
    [path] = output.finish(tmp_path, finished, CATEGORIES)
    read = list(read_coco_panoptic(path, tmp_path / "predictions"))
    ids = [annotation.image_id for annotation in read]
    assert ids[:4] == ["sub/0", 77, "two", "sub/3"]
    for annotation, prediction in zip(read, PREDICTIONS, strict=True):
        np.testing.assert_array_equal(annotation.panoptic_map, prediction.panoptic_map)
        for found, segment in zip(annotation.segments, prediction.segments, strict=True):
            assert (found.id, found.class_id) == (segment.id, segment.class_id)
            assert found.score == pytest.approx(segment.score, abs=1e-4)


def test_two_pictures_of_one_id_are_refused(tmp_path):
    output = CocoOutput({"a.png": 1})
    kept = {"height": 1, "width": 1, "segments_info": []}
    pictures = [FinishedPicture(f"{d}/a.png", f"{d}", kept) for d in "xy"]
    with pytest.raises(UserError, match=r"x/a\.png and y/a\.png both have the image id 1"):
        output.finish(tmp_path, pictures, CATEGORIES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "found no list `images`"),
        ({"images": []}, "found no list `images`"),
        ({"images": [{"file_name": "a"}]}, r"image 0 .* id None"),
        ({"images": [{"file_name": "a", "id": 1.5}]}, r"image 0 .* id 1\.5"),
        ({"images": [{"file_name": "a", "id": True}]}, "id True"),
        ({"images": [3]}, "file_name None"),
    ],
)
def test_a_file_without_ids_is_refused(tmp_path, content, message):
    path = tmp_path / "ids.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        read_image_ids(str(path))


def test_image_ids_are_found_by_path_and_by_name(tmp_path):
    path = tmp_path / "ids.json"
    path.write_text(json.dumps({"images": [{"file_name": "val/a.jpg", "id": 4}]}))
    assert read_image_ids(str(path)) == {"val/a.jpg": 4, "a.jpg": 4}


def test_the_drawing_comes_with_map_and_list(tmp_path):
    prediction = rings_prediction()
    DrawingOutput().write(tmp_path, "a", "a.png", prediction)
    ids = np.asarray(Image.open(tmp_path / "a_ids.png")).astype(int) @ [1, 256, 65_536]
    np.testing.assert_array_equal(ids, prediction.panoptic_map)
    assert json.loads((tmp_path / "a.json").read_text()) == prediction.to_json()
    drawn = Image.open(io.BytesIO((tmp_path / "a.png").read_bytes()))
    assert drawn.size == (12 * 8, 6 * 8), "small pictures are drawn larger"


def test_formats_are_made_by_name_and_once():
    assert [each.name for each in make_formats([*FORMATS, "coco"])] == list(FORMATS)
    with pytest.raises(UserError, match="did you mean 'geojson'"):
        make_formats(["geo_json"])
