"""Scores a model on a dataset, at original picture size."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from collections.abc import Callable, Iterator

import numpy as np
import orbit
import tensorflow as tf
from tqdm import tqdm

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.codec import truth_segments
from maskconver_tf.datasets.records.corrupt_records import corrupt_records_named
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality, PanopticQualityResult
from maskconver_tf.inference.drawing.panoptic_drawing import draw_panoptic_map, join_side_by_side
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.pipeline import EvaluationInput
from maskconver_tf.training.machines.over_replicas import over_replicas
from maskconver_tf.training.machines.workers import Workers


@dataclasses.dataclass(frozen=True)
class Scored:
    """One picture's truth and prediction, on the host.

    Attributes:
      example: what `records.decode` returns, as NumPy arrays; `IMAGE` is the padded input.
      truth: its segments.
      panoptic_map: predicted, int32 at original size.
      predicted: its segments.
    """

    example: dict[str, np.ndarray]
    truth: list[types.Segment]
    panoptic_map: np.ndarray
    predicted: list[types.Segment]

    @property
    def image_id(self) -> int | str:
        return json.loads(self.example[types.IMAGE_ID])

    @property
    def file_name(self) -> str:
        return self.example[types.FILE_NAME].decode()


def segment_examples(
    segmenter: PanopticSegmenter, data: EvaluationInput, workers: Workers
) -> Iterator[Scored]:
    """Segments every picture of this worker's share of a dataset, a batch per forward pass."""
    examples, propose = _read(data, workers), over_replicas(segmenter.propose, workers)
    while batch := list(itertools.islice(examples, data.batch_size)):
        images = np.stack([example[types.IMAGE] for example in batch])
        proposals = propose(images)
        for i, example in enumerate(batch):
            single = {name: value[i] for name, value in proposals.items()}
            size, content = example[types.IMAGE_SIZE], example[types.CONTENT_SIZE]
            fused = segmenter.fuse(single, tf.constant(content), tf.constant(size))
            yield Scored(
                example,
                truth_segments(example),
                fused[types.PANOPTIC_MAP].numpy(),
                types.segments_from_arrays(fused),
            )


def _read(data: EvaluationInput, workers: Workers) -> Iterator[dict[str, np.ndarray]]:
    with corrupt_records_named(data.folder):
        yield from data.examples(workers.index, workers.count).as_numpy_iterator()


def score(
    scored: Iterator[Scored],
    categories: Categories,
    on_picture: Callable[[int, Scored], None] = lambda index, picture: None,
    total: Callable[[np.ndarray], np.ndarray] = lambda counts: counts,
) -> PanopticQualityResult:
    """Panoptic quality over pictures.

    Args:
      scored: the pictures.
      categories: their class list.
      on_picture: sees each with its number.
      total: adds up an array over all workers; what is added are counts and sums of IoU, never
        ratios.
    """
    quality = PanopticQuality(len(categories), categories.is_thing)
    for index, picture in enumerate(scored):
        truth_map = picture.example[types.SEGMENT_MAP]
        quality.update(truth_map, picture.truth, picture.panoptic_map, picture.predicted)
        on_picture(index, picture)
    counts = total(np.stack([quality.iou_sum, quality.tp, quality.fp, quality.fn]))
    quality.iou_sum = counts[0]
    quality.tp, quality.fp, quality.fn = counts[1:].astype(np.int64)
    return quality.result()


def picture_row(picture: Scored, categories: Categories) -> np.ndarray:
    """Image, truth and prediction side by side, at input size; uint8 `[h, w, 3]`."""
    height, width = picture.example[types.CONTENT_SIZE]
    image = picture.example[types.IMAGE][:height, :width]
    rows = np.arange(height) * len(picture.panoptic_map) // height
    columns = np.arange(width) * picture.panoptic_map.shape[1] // width

    def drawn(panoptic_map: np.ndarray, segments: list[types.Segment]) -> np.ndarray:
        return draw_panoptic_map(image, panoptic_map[np.ix_(rows, columns)], segments, categories)

    truth = drawn(picture.example[types.SEGMENT_MAP], picture.truth)
    predicted = drawn(picture.panoptic_map, picture.predicted)
    return join_side_by_side([image, truth, predicted], ["image", "truth", "prediction"])


class Evaluator(orbit.AbstractEvaluator):
    """Evaluates the moving average of the weights while a run trains.

    Args:
      segmenter: of the model in training.
      data: the evaluation dataset.
      categories: its class list.
      workers: the run's; each scores its share.
      averaged: makes a context manager in which the model holds its averaged weights.
      on_scores: called in that context with what `evaluate` returns.
      show: called there with more to see: PQ of classes and the first pictures, uint8 `[h, w, 3]`.
      on_picture: called after each picture.
      num_pictures: pictures to show.
    """

    def __init__(
        self,
        segmenter: PanopticSegmenter,
        data: EvaluationInput,
        categories: Categories,
        workers: Workers,
        averaged: Callable,
        on_scores: Callable[[dict], None] = lambda scores: None,
        on_picture: Callable[[], None] = lambda: None,
        show: Callable[[dict[str, float | np.ndarray]], None] = lambda values: None,
        num_pictures: int = 8,
    ):
        self._segmenter = segmenter
        self._data = data
        self._categories = categories
        self._workers = workers
        self._averaged = averaged
        self._on_scores = on_scores
        self._on_picture = on_picture
        self._show = show
        self._num_pictures = num_pictures

    def evaluate(self, num_steps: tf.Tensor) -> dict[str, dict[str, float]]:
        """Scores the whole dataset, whatever `num_steps` says; in percent, by group."""
        with self._averaged():
            pictures = segment_examples(self._segmenter, self._data, self._workers)
            share = -(-self._data.num_examples // self._workers.count)
            quiet = not (self._workers.is_chief and sys.stderr.isatty())
            pictures = tqdm(pictures, "eval", share, unit="image", leave=False, disable=quiet)
            shown: dict[str, float | np.ndarray] = {}

            def look(index: int, picture: Scored) -> None:
                self._on_picture()
                if index < self._num_pictures:
                    row = picture_row(picture, self._categories)
                    shown[f"prediction/{picture.file_name}"] = row

            result = score(pictures, self._categories, look, self._workers.sum)
            scores = group_scores(result)
            of_classes = zip(self._categories.names, result.pq)
            shown |= {f"pq_of_class/{n}": 100.0 * pq for n, pq in of_classes if not np.isnan(pq)}
            self._show(shown)
            self._on_scores(scores)
        return scores


def group_scores(result: PanopticQualityResult) -> dict[str, dict[str, float]]:
    """PQ, SQ and RQ in percent of all, things and stuff, where such classes occur."""
    groups = {"all": result.all, "things": result.things, "stuff": result.stuff}
    return {
        name: {"pq": 100.0 * group.pq, "sq": 100.0 * group.sq, "rq": 100.0 * group.rq}
        for name, group in groups.items()
        if group.num_classes
    }
