"""What the looked-at pictures of a dataset have in common, at any input size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from maskconver_tf.planning.first_configuration.looking.picture_facts import PictureFacts


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """Facts of the pictures that a model is trained on.

    Attributes:
      num_pictures: pictures of the training part.
      num_eval: pictures of the evaluation part.
      most_segments: most segments of a picture, over all pictures of both parts; crowds count.
      num_bytes: size of the training part on disk.
      num_classes: classes of the class list.
      pictures: the pictures that were looked at; all of them or an evenly spread sample.
      evaluates_training: whether the evaluation part is the training part.
    """

    num_pictures: int
    num_eval: int
    most_segments: int
    num_bytes: int
    num_classes: int
    pictures: Sequence[PictureFacts]
    evaluates_training: bool = False

    @property
    def has_things(self) -> bool:
        return bool(self._all("is_thing").any())

    @property
    def has_stuff(self) -> bool:
        return not self._all("is_thing").all()

    @property
    def mean_segments(self) -> float:
        """Segments of a picture, on average."""
        return float(np.mean([len(picture.areas) for picture in self.pictures]))

    @property
    def sizes(self) -> np.ndarray:
        """Height and width of each picture; int `[p, 2]`."""
        return np.array([picture.size for picture in self.pictures])

    @property
    def gray_share(self) -> float:
        return float(np.mean([picture.is_gray for picture in self.pictures]))

    @property
    def photograph_share(self) -> float:
        return float(np.mean([picture.is_photograph for picture in self.pictures]))

    @property
    def dark_share(self) -> float:
        """Share of the pictures that use less than a quarter of the range of gray values."""
        return float(np.mean([picture.darkness < 0.25 for picture in self.pictures]))

    @property
    def touching_share(self) -> float:
        """Share of the things that touch another thing of their class; 0 without things."""
        things = self._all("is_thing")
        return float(self._all("touches")[things].mean()) if things.any() else 0.0

    @property
    def areas(self) -> np.ndarray:
        """Pixels of each segment in the original picture; `[s]`."""
        return self._all("areas")

    def counted(self) -> np.ndarray:
        """Which segments choose the size: the things, or all segments if there is none."""
        things = self._all("is_thing")
        return things if things.any() else np.ones_like(things)

    def scales(self, input_size: tuple[int, int]) -> np.ndarray:
        """Returns the scale at which each picture fits an input; float `[p]`."""
        return np.min(np.array(input_size) / self.sizes, axis=1)

    def scaled(self, field: str, scales: np.ndarray | float = 1.0) -> np.ndarray:
        """Returns a length of each segment, in input pixels; float `[s]`.

        Args:
          field: "half_diagonals", "short_sides" or "gaps".
          scales: scale of each picture, or of all.
        """
        of_each = np.broadcast_to(scales, len(self.pictures))
        parts = [getattr(p, field) * scale for p, scale in zip(self.pictures, of_each, strict=True)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _all(self, field: str) -> np.ndarray:
        return np.concatenate([getattr(picture, field) for picture in self.pictures])


def has_a_top(facts: DataFacts, least_segments: int = 40, least_shift: float = 0.12) -> bool | None:
    """Whether classes keep to a part of the height of the pictures, as sky and road do.

    Returns:
      True if the mean height of a class differs from the middle by `least_shift` of the height,
      False if none does, None if no class has `least_segments` segments to tell.
    """
    classes, heights = facts._all("class_ids"), facts._all("heights")
    counts = np.bincount(classes, minlength=facts.num_classes)
    known = np.flatnonzero(counts >= least_segments)
    if not len(known):
        return None
    means = np.array([heights[classes == class_id].mean() for class_id in known])
    return bool(np.abs(means - 0.5).max() >= least_shift)
