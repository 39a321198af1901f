"""Counts over the pictures of one part of a dataset."""

from __future__ import annotations

import array
import collections
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.census.measure_picture import PictureMeasures

_AREA_BINS = np.array([0, 4**2, 8**2, 16**2, 32**2, 64**2, 128**2, 256**2, 512**2, np.inf])
"""Bounds of segment areas in pixels: the areas of squares with these sides."""


class Census:
    """Counts and histograms over pictures. It keeps a few numbers per picture."""

    def __init__(self, categories: Categories):
        self.categories = categories
        num_classes = len(categories)
        self.num_pictures = 0
        self.num_segments = np.zeros(num_classes, np.int64)
        self._num_crowds = np.zeros(num_classes, np.int64)
        self._num_pixels = np.zeros(num_classes, np.int64)
        self._in_pictures = np.zeros(num_classes, np.int64)
        self._area_counts = np.zeros(len(_AREA_BINS) - 1, np.int64)
        self._void_pixels = 0
        self._sums = collections.Counter()
        self._sizes: collections.Counter[tuple[int, int]] = collections.Counter()
        self._segments_per_picture = array.array("l")
        self._void_shares = array.array("f")
        self._conversions: collections.Counter[str] = collections.Counter()

    def add(self, picture: PictureMeasures) -> None:
        """Counts one picture."""
        self.num_pictures += 1
        classes = np.array(picture.class_ids, np.int64)
        areas = picture.areas[1:]
        np.add.at(self.num_segments, classes, 1)
        np.add.at(self._num_crowds, classes, picture.is_crowd)
        np.add.at(self._num_pixels, classes, areas)
        self._in_pictures[np.unique(classes)] += 1
        self._area_counts += np.histogram(areas, _AREA_BINS)[0]
        self._void_pixels += int(picture.areas[0])
        self._sums.update(merged=picture.num_merged, hidden=picture.num_hidden)
        self._sizes[picture.size] += 1
        self._segments_per_picture.append(len(classes))
        self._void_shares.append(picture.areas[0] / picture.areas.sum())
        if picture.conversion is not None:
            self._conversions[picture.conversion] += 1

    def to_json(self) -> dict[str, Any]:
        """Returns all counts. Segments and pixels include crowds."""
        num_pixels = self._void_pixels + int(self._num_pixels.sum())
        return {
            "num_pictures": self.num_pictures,
            "num_segments": int(self.num_segments.sum()),
            "num_crowds": int(self._num_crowds.sum()),
            "num_merged_stuff_segments": self._sums["merged"],
            "num_hidden_segments": self._sums["hidden"],
            "void_share": round(self._void_pixels / num_pixels, 6) if num_pixels else 0.0,
            "converted": dict(sorted(self._conversions.items())),
            "classes": self._classes(),
            "sizes": self._size_range(),
            "histograms": self._histograms(),
        }

    def _classes(self) -> list[dict[str, Any]]:
        rows = []
        for class_id, category in enumerate(self.categories):
            count, pixels = int(self.num_segments[class_id]), int(self._num_pixels[class_id])
            rows.append(
                {
                    "id": category.id,
                    "name": category.name,
                    "isthing": int(category.isthing),
                    "num_segments": count,
                    "num_crowds": int(self._num_crowds[class_id]),
                    "num_pictures": int(self._in_pictures[class_id]),
                    "num_pixels": pixels,
                    "mean_area": round(pixels / count, 1) if count else 0.0,
                }
            )
        return rows

    def _size_range(self) -> dict[str, Any]:
        """Returns the least and largest height and width, and the most common sizes."""
        if not self._sizes:
            return {}
        sizes = np.array(list(self._sizes))
        return {
            "height": [int(sizes[:, 0].min()), int(sizes[:, 0].max())],
            "width": [int(sizes[:, 1].min()), int(sizes[:, 1].max())],
            "num_different": len(self._sizes),
            "most_common": [
                {"height": height, "width": width, "num_pictures": count}
                for (height, width), count in self._sizes.most_common(5)
            ],
        }

    def _histograms(self) -> dict[str, dict[str, list]]:
        """Returns title -> labels and counts of the bars."""
        sides = np.sqrt(_AREA_BINS[:-1]).astype(int).tolist()
        longer = [max(size) for size, count in self._sizes.items() for _ in range(count)]
        return {
            "segments per picture": _bars(self._segments_per_picture, 12),
            "segment area, pixels": {
                "labels": [f"{side}²" for side in sides],
                "counts": self._area_counts.tolist(),
            },
            "void share of pictures": _bars(self._void_shares, 10, (0.0, 1.0)),
            "longer side, pixels": _bars(longer, 12),
        }


def _bars(values: Any, num_bins: int, bounds: tuple[float, float] | None = None) -> dict[str, list]:
    """Counts values in bins of equal width; labels are the lower ends of the bins."""
    values = np.array(values, np.float64)
    if bounds is None:
        low, high = (values.min(), values.max() + 1) if len(values) else (0, 1)
        step = max(1, int(np.ceil((high - low) / num_bins)))
        edges = np.arange(low, low + step * num_bins + 1, step)[: int(-(-(high - low) // step)) + 1]
    else:
        edges = np.linspace(*bounds, num_bins + 1)
    counts = np.histogram(values, edges)[0]
    return {"labels": [f"{edge:g}" for edge in edges[:-1].round(3)], "counts": counts.tolist()}
