"""Scores panoptic segmentation by panoptic quality, at original picture size."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.codec import truth_segments
from maskconver_tf.datasets.records.corrupt_records import explain_corrupt_records
from maskconver_tf.evaluation.baselines.comparison_text import comparison_sentences
from maskconver_tf.evaluation.baselines.model_comparison import ModelComparison, chosen_pictures
from maskconver_tf.evaluation.lost_quality.calibration import PictureScores
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.results import add_thing_scores, format_table, results_dict
from maskconver_tf.evaluation.thing_scores import ThingScores
from maskconver_tf.evaluation.writing.coco_writer import CocoPanopticWriter
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.pipeline import EvaluationInput
from maskconver_tf.input.with_brightness import WithBrightness
from maskconver_tf.training.evaluators.comparison import draw_comparison
from maskconver_tf.training.evaluators.evaluator import (
    EvaluationHooks,
    Evaluator,
    Example,
    OnPicture,
    Results,
    stack_images,
)
from maskconver_tf.training.evaluators.predict_ahead import num_threads
from maskconver_tf.training.machines.replica_inference import divide_among_replicas
from maskconver_tf.training.machines.workers import Workers


class PanopticPrediction(NamedTuple):
    """The finished prediction of one picture, on the host.

    Attributes:
      panoptic_map: int32 `[h, w]` at original size.
      segments: the segments of the map.
    """

    panoptic_map: np.ndarray
    segments: list[types.Segment]


class PanopticScore:
    """Adds up panoptic quality, and that of a constant answer to compare with.

    Attributes:
      constant: the score of one class as the answer for every pixel.
      segments: the predictions of each picture that count, in no order.
    """

    def __init__(self, categories: Categories):
        self._categories = categories
        self._quality = self._nothing()
        self._things = ThingScores(categories.is_thing)
        self._lock = threading.Lock()
        self.segments: list[PictureScores] = []

    def _nothing(self) -> PanopticQuality:
        return PanopticQuality(len(self._categories), self._categories.is_thing)

    def add(self, example: Example, prediction: PanopticPrediction) -> None:
        picture = self._nothing()
        truth = truth_segments(example)
        matches = picture.update(example[types.SEGMENT_MAP], truth, *prediction)
        image_id = json.loads(example[types.IMAGE_ID])
        with self._lock:
            self._quality.merge(picture)
            self._things.update(matches, truth, prediction.segments)
            self.segments.append(PictureScores.of(image_id, matches, prediction.segments))

    def results(self, sum_over_workers: Callable[[np.ndarray], np.ndarray]) -> Results:
        """Workers add counts and sums of IoU, never ratios."""
        quality = self._quality
        ious = quality.iou_sum, quality.iou_rest
        counts = np.stack([*ious, quality.tp, quality.fp, quality.fn])
        quality.iou_sum, quality.iou_rest, *others = sum_over_workers(counts)
        quality.tp, quality.fp, quality.fn = np.stack(others).astype(np.int64)
        for counts in self._things.arrays():
            counts[:] = sum_over_workers(counts)
        results = results_dict(quality.result(), self._categories)
        return add_thing_scores(results, self._things, self._categories)


class PanopticEvaluator(Evaluator):
    """Scores a `PanopticSegmenter` on an `EvaluationInput`.

    Args:
      segmenter: predicts. Its class list is that of `data`.
      data: see `Evaluator`.
      workers: see `Evaluator`.
      hooks: see `Evaluator`.
    """

    metrics = ("pq", "sq", "rq")
    class_metric = "pq"
    written_files = ("predictions.json and its id maps",)

    def __init__(
        self,
        segmenter: PanopticSegmenter,
        data: EvaluationInput,
        workers: Workers,
        hooks: EvaluationHooks | None = None,
    ):
        super().__init__(data, workers, hooks)
        self._segmenter = segmenter
        self._propose = divide_among_replicas(segmenter.propose, workers)

    def infer_batch(self, batch: Sequence[Example]) -> dict[str, tf.Tensor]:
        return self._propose(stack_images(batch))

    def predict_one(
        self, example: Example, outputs: dict[str, tf.Tensor], position: int
    ) -> PanopticPrediction:
        single = {name: value[position] for name, value in outputs.items()}
        size, content = example[types.IMAGE_SIZE], example[types.CONTENT_SIZE]
        fused = self._segmenter.fuse(single, tf.constant(content), tf.constant(size))
        segments = types.segments_from_arrays(fused)
        return PanopticPrediction(fused[types.PANOPTIC_MAP].numpy(), segments)

    def new_score(self) -> PanopticScore:
        self._score = PanopticScore(self.categories)
        return self._score

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        return explain_corrupt_records(self.data.folder)

    def draw_row(self, example: Example, prediction: PanopticPrediction) -> np.ndarray:
        truth = (example[types.SEGMENT_MAP], truth_segments(example))
        return draw_comparison(example, truth, prediction, self.categories)

    @property
    def scored_segments(self) -> list[PictureScores]:
        """The predictions of each picture of the last scoring that count."""
        return self._score.segments

    @contextlib.contextmanager
    def writer(self, folder: Path) -> Iterator[OnPicture]:
        """Writes `predictions.json` and `predictions/*.png` as COCO's own evaluation reads them."""
        with CocoPanopticWriter(folder, self.categories, num_threads()) as writer:

            def write(index: int, example: Example, prediction: PanopticPrediction) -> None:
                image_id = json.loads(example[types.IMAGE_ID])
                writer.add(image_id, example[types.FILE_NAME].decode(), *prediction)

            yield write

    def command_data(self) -> Any:
        return WithBrightness(self.data, chosen_pictures(self.data.num_examples))

    def brightness_of(self, example: Example) -> np.ndarray:
        """Returns the brightness of the whole picture of an example of `command_data`."""
        return example[types.BRIGHTNESS]

    def comparison(self) -> ModelComparison:
        return ModelComparison(self.categories, self.data.num_examples, self.brightness_of)

    def format_results(self, results: Results) -> str:
        sentences = comparison_sentences(results["baselines"]) if "baselines" in results else []
        return "\n\n".join([format_table(results), *sentences])
