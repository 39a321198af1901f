"""Scores semantic segmentation: mean IoU at original picture size."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.corrupt_records import corrupt_records_named
from maskconver_tf.evaluation.mean_iou import MeanIou, MeanIouResult
from maskconver_tf.postprocess.class_map import class_map
from maskconver_tf.training.tasks.evaluator import Scored, picture_row
from maskconver_tf.training.tasks.network_evaluator import NetworkEvaluator, OnPicture, Results


class SemanticEvaluator(NetworkEvaluator):
    """A `SemanticModel` on an `EvaluationInput`."""

    def results(self, on_picture: OnPicture = lambda index, example, found: None) -> Results:
        """`all`: `miou` and `pixel_accuracy`; `things`, `stuff`: `miou`, where such classes occur;
        `per_class`: `iou`, None for a class in neither truth nor prediction. In percent."""
        quality, index = MeanIou(len(self.categories)), 0
        stride = 2**self.network.mask_level
        with corrupt_records_named(self.data.folder):
            for batch, found in self.batches():
                for example, logits in zip(batch, found[types.SEMANTIC_LOGITS]):
                    sizes = (example[types.CONTENT_SIZE], example[types.IMAGE_SIZE])
                    predicted = class_map(logits, *map(tf.constant, sizes), stride).numpy()
                    quality.update(true_classes(example), predicted)
                    on_picture(index, example, predicted)
                    index += 1
        quality.confusion = np.rint(self.workers.sum(quality.confusion)).astype(np.int64)
        return results_of(quality.result(), self.categories)

    def row(self, example: dict[str, np.ndarray], predicted: np.ndarray) -> np.ndarray:
        """Image, truth and prediction side by side; uint8 `[h, w, 3]`."""
        true = true_classes(example)
        segmented = example | {types.SEGMENT_MAP: true + 1}
        scored = Scored(segmented, _segments(true), predicted + 1, _segments(predicted))
        return picture_row(scored, self.categories)


def true_classes(example: dict[str, np.ndarray]) -> np.ndarray:
    """The class of each pixel of a decoded record, `NO_CLASS` where none is; int32 `[h, w]`."""
    classes = np.concatenate([[types.NO_CLASS], example[types.SEGMENT_CLASS_IDS]]).astype(np.int32)
    return classes[example[types.SEGMENT_MAP]]


def _segments(classes: np.ndarray) -> list[types.Segment]:
    """One segment for each class of a map, its number one more than the class."""
    return [types.Segment(id=int(c) + 1, class_id=int(c)) for c in np.unique(classes) if c >= 0]


def results_of(result: MeanIouResult, categories: Categories) -> Results:
    """What `SemanticEvaluator.results` returns."""
    groups = {
        "all": np.ones(len(categories), np.bool_),
        "things": categories.is_thing,
        "stuff": ~categories.is_thing,
    }
    scores: Results = {
        name: {"miou": 100.0 * float(np.nanmean(result.iou[group]))}
        for name, group in groups.items()
        if not np.isnan(result.iou[group]).all()
    }
    if scores:
        scores["all"]["pixel_accuracy"] = 100.0 * result.pixel_accuracy
    iou = [None if np.isnan(value) else 100.0 * float(value) for value in result.iou]
    per_class = {name: {"iou": value} for name, value in zip(categories.names, iou)}
    return scores | {"per_class": per_class}
