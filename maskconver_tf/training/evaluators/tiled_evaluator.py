"""Scores panoptic segmentation of pictures that are predicted in windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.inference.predictor import Prediction, Predictor
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.inference.tiles.tiled_predictor import TiledPredictor
from maskconver_tf.inference.tiles.windows import TileSize
from maskconver_tf.input.pipeline import EvaluationInput
from maskconver_tf.input.transforms import fit_image
from maskconver_tf.input.whole_pictures import WholePictures
from maskconver_tf.training.evaluators.evaluator import Example
from maskconver_tf.training.evaluators.panoptic_evaluator import (
    PanopticEvaluator,
    PanopticPrediction,
)
from maskconver_tf.training.machines.workers import Workers

_DRAWN_SIDE = 640
"""Longest side of a picture in the overview, in pixels."""


class TiledEvaluator(PanopticEvaluator):
    """Scores pictures as `maskconver predict --tile` predicts them.

    Args:
      segmenter: predicts a window.
      data: the pictures and their truth.
      workers: see `Evaluator`.
      tile: the windows.
    """

    def __init__(
        self,
        segmenter: PanopticSegmenter,
        data: EvaluationInput,
        workers: Workers,
        tile: TileSize,
    ):
        super().__init__(segmenter, WholePictures(data), workers)
        self._predictor = TiledPredictor(Predictor(segmenter.segment, self.categories), tile)

    def infer_batch(self, batch: Sequence[Example]) -> list[PanopticPrediction]:
        """Predicts here, in one thread: only one window is in the network at a time."""
        return [self._predict(example[types.IMAGE]) for example in batch]

    def predict_one(
        self, example: Example, outputs: list[PanopticPrediction], position: int
    ) -> PanopticPrediction:
        return outputs[position]

    def draw_row(self, example: Example, prediction: PanopticPrediction) -> np.ndarray:
        image, size = example[types.IMAGE], example[types.IMAGE].shape[:2]
        if max(size) > _DRAWN_SIDE:
            image, size = fit_image(tf.constant(image), (_DRAWN_SIDE, _DRAWN_SIDE))
            image, size = image.numpy(), size.numpy()
        shown = {types.IMAGE: image, types.CONTENT_SIZE: size}
        return super().draw_row(example | shown, prediction)

    def command_data(self) -> WholePictures:
        return self.data

    def brightness_of(self, example: Example) -> np.ndarray:
        return np.asarray(Image.fromarray(example[types.IMAGE]).convert("L"))

    def _predict(self, image: np.ndarray) -> PanopticPrediction:
        found = self._predictor(image)
        if isinstance(found, Prediction):
            return PanopticPrediction(found.panoptic_map, found.segments)
        return PanopticPrediction(np.concatenate(list(found.bands())), found.segments)
