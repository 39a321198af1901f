"""The Python call for tiles."""

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.inference.predictor import Prediction, Predictor
from maskconver_tf.inference.tiles import row_reading, tiled_predictor
from maskconver_tf.inference.tiles.tiled_predictor import LargePrediction, TiledPredictor
from maskconver_tf.inference.tiles.windows import TileSize
from tests.unit.inference.fake_predictor import write_picture
from tests.unit.inference.tiles.exact_segmenter import (
    CATEGORIES,
    assert_same_segments,
    mosaic,
    picture_of,
    segment,
)

TILE = TileSize(40, 48, 10)


@pytest.fixture
def values():
    return mosaic(np.random.default_rng(0), 90, 130, "blobs")


def test_a_picture_that_fits_is_predicted_as_without_tiles(values):
    predictor = Predictor(segment, CATEGORIES)
    image = picture_of(values[:40, :48])
    one, other = predictor(image), TiledPredictor(predictor, TILE)(image)
    np.testing.assert_array_equal(one.panoptic_map, other.panoptic_map)
    assert one.segments == other.segments


@pytest.mark.parametrize("as_file", [True, False])
def test_a_larger_picture_is_joined(values, tmp_path, as_file):
    image = picture_of(values)
    given = write_picture(tmp_path / "a.png", image) if as_file else image
    found = TiledPredictor(Predictor(segment, CATEGORIES), TILE)(given)
    assert isinstance(found, Prediction)
    assert_same_segments(found.panoptic_map, Predictor(segment, CATEGORIES)(image).panoptic_map)
    np.testing.assert_array_equal(found.image, image)


def test_a_large_picture_is_never_in_memory(values, tmp_path, monkeypatch):
    for module in (row_reading, tiled_predictor):
        monkeypatch.setattr(module, "SMALL_PIXELS", 1000)
    path = write_picture(tmp_path / "a.png", picture_of(values))
    small = Predictor(segment, CATEGORIES)(picture_of(values))
    found = TiledPredictor(Predictor(segment, CATEGORIES), TILE)(str(path))
    assert isinstance(found, LargePrediction)
    assert_same_segments(np.concatenate(list(found.bands())), small.panoptic_map)
    assert (found.height, found.width) == (90, 130)
    listed = found.to_json()["segments"]
    assert sorted(s["area"] for s in listed) == sorted(np.bincount(small.panoptic_map.ravel())[1:])


def test_other_arrays_are_refused():
    with pytest.raises(UserError, match="expected uint8"):
        TiledPredictor(Predictor(segment, CATEGORIES), TILE)(np.zeros((50, 50, 3)))
