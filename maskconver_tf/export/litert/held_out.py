"""Pictures for calibration and for scores, as LiteRT files take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.codec import truth_segments
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.export.comparison import PlainMap
from maskconver_tf.inference import signatures
from maskconver_tf.inference.litert.lite_predictor import scale_to_nearest
from maskconver_tf.input.pipeline import EvaluationInput

Segment = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Takes a picture uint8 `[H, W, 3]` of the input size, returns fields of `signatures`."""


def read_examples(
    data_dir: str, input_size: tuple[int, int], count: int
) -> Iterator[dict[str, np.ndarray]]:
    """Reads the first `count` examples of a dataset folder, with the fitted picture as `IMAGE`."""
    data = EvaluationInput(data_dir, input_size, batch_size=1, max_examples=count)
    yield from data.examples().as_numpy_iterator()


def plain_map(found: dict[str, np.ndarray]) -> PlainMap:
    """Takes the map, the categories and the scores from the fields of a prediction."""
    names = (signatures.SEGMENT_IDS, signatures.CATEGORY_IDS, signatures.SCORES)
    ids, categories, scores = (np.asarray(found[name]).tolist() for name in names)
    return PlainMap(
        np.asarray(found[signatures.PANOPTIC_MAP]),
        dict(zip(ids, categories, strict=True)),
        dict(zip(ids, scores, strict=True)),
    )


def at_original_size(found: PlainMap, example: dict[str, np.ndarray]) -> PlainMap:
    """Cuts the padding off a map of the input size and scales it to the nearest pixel."""
    size, content = example[types.IMAGE_SIZE], example[types.CONTENT_SIZE]
    ids = scale_to_nearest(found.ids, content, size)
    seen = set(np.unique(ids).tolist())
    return PlainMap(ids, {i: c for i, c in found.categories.items() if i in seen})


class Score:
    """Adds up the panoptic quality of maps of the input size, at original picture size."""

    def __init__(self, categories: Categories):
        self._categories = categories
        self._quality = PanopticQuality(len(categories), categories.is_thing)

    def add(self, example: dict[str, np.ndarray], found: PlainMap) -> None:
        found = at_original_size(found, example)
        segments = [
            types.Segment(number, self._categories.class_id_of(category))
            for number, category in found.categories.items()
        ]
        truth = example[types.SEGMENT_MAP], truth_segments(example)
        self._quality.update(*truth, found.ids, segments)

    @property
    def pq(self) -> float:
        """In percent."""
        return 100 * float(self._quality.result().all.pq)
