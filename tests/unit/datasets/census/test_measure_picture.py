"""Measures of a picture with nothing on it, and of segments that list a wrong area or box."""

import pytest

from maskconver_tf.datasets.census.measure_picture import MeasureRequest, measure_picture
from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic


def test_a_picture_without_segments_is_measured(make_coco_folder):
    folder = make_coco_folder(num_pictures=1)
    folder.paint(0, folder.ids(0) * 0)
    with folder.edit() as content:
        content["annotations"][0]["segments_info"] = []
    source = CocoPanoptic(folder.images, folder.panoptic, folder.annotations)
    [picture] = source.pictures
    found = measure_picture(MeasureRequest(picture, keep_map=True, draw_with=source.categories))
    assert found.areas.tolist() == [24 * 32]
    assert found.segment_map.max() == 0
    assert found.drawing.startswith(b"\xff\xd8")


@pytest.mark.parametrize("extent", [{"area": [1, 2]}, {"area": "5"}, {"bbox": [[1], 2, 3, 4]}])
def test_an_extent_that_is_not_a_number_is_a_finding(make_coco_folder, extent):
    folder = make_coco_folder(num_pictures=1)
    with folder.edit() as content:
        content["annotations"][0]["segments_info"][0].update(extent)
    [picture] = CocoPanoptic(folder.images, folder.panoptic, folder.annotations).pictures
    [finding] = measure_picture(MeasureRequest(picture)).findings
    assert finding.problem is Problem.EXTENT
