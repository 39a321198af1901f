"""Predicts pictures in windows of the scale that the model was trained at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.inference.predictor import Prediction, Predictor, check_pixels, segments_json
from maskconver_tf.inference.tiles.joining.joined_map import JoinedMap, join_windows
from maskconver_tf.inference.tiles.row_reading import (
    SMALL_PIXELS,
    ArrayRows,
    PillowRows,
    TiffRows,
    read_rows,
)
from maskconver_tf.inference.tiles.windows import TileSize, place_windows
from maskconver_tf.types import Segment

_FEW_WINDOWS = 16


class LargePrediction:
    """The segments of a picture whose map is too large for the memory.

    Attributes:
      segments: the segment with the highest score comes first.
      categories: the class list.
      height, width: of the picture.
    """

    def __init__(self, joined: JoinedMap, categories: Categories):
        self._joined = joined
        self.categories = categories
        self.segments: list[Segment] = joined.segments
        self.height, self.width = joined.height, joined.width

    def bands(self) -> Iterator[np.ndarray]:
        """Yields rows of segment ids from the top, int32 `[n, width]`."""
        return self._joined.bands()

    def to_json(self) -> dict[str, Any]:
        """Returns the same as `Prediction.to_json`."""
        return segments_json(self.height, self.width, self.segments, self.categories)


class TiledPredictor:
    """Segments pictures in windows, and joins what belongs together.

    predictor = maskconver_tf.load("runs/mine")
    tiled = TiledPredictor(predictor, tile_size(512, 512, 128))
    tiled("mosaic.tif").segments

    A picture that fits into one window is predicted as a whole, as without tiles.

    Args:
      predictor: predicts one window.
      tile: the windows, see `windows.tile_size`.
    """

    def __init__(self, predictor: Predictor, tile: TileSize):
        self._predictor = predictor
        self._tile = tile
        self.categories = predictor.categories

    def __call__(
        self, image: str | os.PathLike | np.ndarray | ArrayRows | PillowRows | TiffRows
    ) -> Prediction | LargePrediction:
        """Segments a picture: a file, a uint8 `[h, w, 3]` array, or what `read_rows` returned.

        Raises:
          UserError: the file is missing or not a picture, or the array has another type or shape.
        """
        if isinstance(image, np.ndarray):
            return self.predict(ArrayRows(check_pixels(image)))
        if isinstance(image, str | os.PathLike):
            return self.predict(read_rows(os.fspath(image), mapping=self.categories.pictures))
        return self.predict(image)

    def predict(self, rows: ArrayRows | PillowRows | TiffRows) -> Prediction | LargePrediction:
        """Segments what `read_rows` returned."""
        if isinstance(rows, ArrayRows) and self._fits(rows):
            return self._predictor.predict(rows.pixels)
        joined = self._join(rows)
        if isinstance(rows, ArrayRows) and rows.height * rows.width <= SMALL_PIXELS:
            return Prediction(rows.pixels, joined.whole(), joined.segments, self.categories)
        return LargePrediction(joined, self.categories)

    def _fits(self, rows: ArrayRows) -> bool:
        return rows.height <= self._tile.height and rows.width <= self._tile.width

    def _join(self, rows: ArrayRows | PillowRows | TiffRows) -> JoinedMap:
        tile = self._tile
        count = len(place_windows(rows.height, tile.height, tile.overlap)) * len(
            place_windows(rows.width, tile.width, tile.overlap)
        )
        bar = tqdm(
            total=count, desc="tiles", unit="tile", leave=False, disable=count < _FEW_WINDOWS
        )
        with bar:
            return join_windows(
                rows, self._predictor.segment, self.categories.is_thing, tile, bar.update
            )
