"""What a build counts."""

from __future__ import annotations

import bisect
import collections
from typing import Any

import numpy as np

from maskconver_tf.datasets.build.encode_picture import EncodedPicture
from maskconver_tf.datasets.categories import Categories


class BuildCounts:
    """Counts over the pictures that a build wrote.

    Attributes:
      conversions: for each kind of picture that was not plain RGB, the sorted names of those
        pictures.
    """

    def __init__(self, categories: Categories):
        self._categories = categories
        self._num_segments = np.zeros(len(categories), np.int64)
        self._num_crowds = np.zeros(len(categories), np.int64)
        self._num_pixels = np.zeros(len(categories), np.int64)
        self._num_void_pixels = 0
        self._num_merged = 0
        self._num_hidden = 0
        self._num_listed = 0
        self.conversions: dict[str, list[str]] = collections.defaultdict(list)

    def add(self, picture: EncodedPicture) -> None:
        """Counts one picture."""
        np.add.at(self._num_segments, picture.class_ids, 1)
        np.add.at(self._num_crowds, picture.class_ids, picture.is_crowd)
        np.add.at(self._num_pixels, picture.class_ids, picture.areas[1:])
        self._num_void_pixels += int(picture.areas[0])
        self._num_merged += picture.num_merged
        self._num_hidden += picture.num_hidden
        num_segments = len(picture.class_ids) + picture.num_merged + picture.num_hidden
        self._num_listed += num_segments if picture.num_listed is None else picture.num_listed
        if picture.conversion is not None:
            bisect.insort(self.conversions[picture.conversion], picture.name)

    def merge(self, other: BuildCounts) -> None:
        """Adds the counts of later pictures, which have the same class list."""
        self._num_segments += other._num_segments
        self._num_crowds += other._num_crowds
        self._num_pixels += other._num_pixels
        self._num_void_pixels += other._num_void_pixels
        self._num_merged += other._num_merged
        self._num_hidden += other._num_hidden
        self._num_listed += other._num_listed
        for conversion, names in other.conversions.items():
            self.conversions[conversion] = sorted(self.conversions[conversion] + names)

    def to_json(self, num_listed: int | None) -> dict[str, Any]:
        """Returns the counts for dataset.json. `num_segments` and `num_pixels` include crowds.

        Args:
          num_listed: segments that the source lists in all its entries, those of pictures that are
            left out too; None if it has no list.
        """
        num_pixels = self._num_void_pixels + int(self._num_pixels.sum())
        num_segments = int(self._num_segments.sum())
        num_known = num_segments + self._num_merged + self._num_hidden
        return {
            "num_listed_segments": self._num_listed if num_listed is None else num_listed,
            "num_made_segments": num_known - self._num_listed,
            "num_left_out_segments": None if num_listed is None else num_listed - self._num_listed,
            "num_segments": num_segments,
            "num_crowds": int(self._num_crowds.sum()),
            "num_merged_stuff_segments": self._num_merged,
            "num_hidden_segments": self._num_hidden,
            "void_share": round(self._num_void_pixels / max(1, num_pixels), 6),
            "converted": {
                conversion: len(names) for conversion, names in sorted(self.conversions.items())
            },
            "classes": [
                {
                    "id": category.id,
                    "name": category.name,
                    "isthing": int(category.isthing),
                    "num_segments": int(self._num_segments[class_id]),
                    "num_crowds": int(self._num_crowds[class_id]),
                    "num_pixels": int(self._num_pixels[class_id]),
                }
                for class_id, category in enumerate(self._categories)
            ],
        }
