"""How a prediction is drawn: labels, filling, size and contrast."""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

from maskconver_tf.errors import UserError, typed_repr

LABELS = ("auto", "none", "all")

_GOOD_SIDE = 640
"""A picture whose shorter side is below half of it is enlarged towards it."""
_LONGEST_SIDE = 2400
_MOST_TIMES = 8
_DARK = 110
"""A picture is dark if nearly all of its values are below it, of 0..255."""
_FLAT = 60
"""A picture is flat if its dark and bright values differ by less."""
_LOW, _HIGH = 0.2, 99.8
"""The percentiles that become black and white."""


@dataclasses.dataclass(frozen=True)
class DrawingStyle:
    """The choices for a drawing.

    Attributes:
      labels: "auto" gives a label to each segment that is large enough to stay visible under it,
        "all" to each segment, "none" to no segment.
      outlines: draw colored outlines only, so that the picture itself stays visible.
      enlarge: times that each side grows, 1 to 8; 0 enlarges small pictures only.
      contrast: brighten dark pictures and spread flat ones.

    Raises:
      UserError: a value is none of these.
    """

    labels: str = "auto"
    outlines: bool = False
    enlarge: int = 0
    contrast: bool = True

    def __post_init__(self):
        if self.labels not in LABELS:
            raise UserError(f"labels is {typed_repr(self.labels)}; expected {', '.join(LABELS)}")
        if type(self.enlarge) is not int or not 0 <= self.enlarge <= _MOST_TIMES:
            raise UserError(
                f"enlarge is {typed_repr(self.enlarge)}; expected a whole number from 1 to "
                f"{_MOST_TIMES}, such as 2; give 0 to enlarge small pictures only"
            )

    def times(self, height: int, width: int) -> int:
        """Returns how many times larger a picture of this size is drawn."""
        if self.enlarge:
            return self.enlarge
        most = min(_MOST_TIMES, max(1, _LONGEST_SIDE // max(height, width)))
        return max(1, min(most, _GOOD_SIDE // min(height, width)))


def enlarge(
    image: np.ndarray, panoptic_map: np.ndarray, times: int
) -> tuple[np.ndarray, np.ndarray]:
    """Enlarges picture and map; each pixel of the map becomes a square of `times` x `times`."""
    if times == 1:
        return image, panoptic_map
    height, width = panoptic_map.shape
    size = width * times, height * times
    larger = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    return larger, panoptic_map.repeat(times, axis=0).repeat(times, axis=1)


def stretch_contrast(image: np.ndarray) -> np.ndarray:
    """Brightens a dark picture and spreads a flat one; any other stays as it is.

    All channels get one line, so that hues stay.

    Args:
      image: uint8 `[h, w, 3]`.
    """
    low, high = np.percentile(image, [_LOW, _HIGH])
    if high >= _DARK and high - low >= _FLAT:
        return image
    if high <= low:
        return image
    values = (np.arange(256) - low) * (255 / (high - low))
    return np.clip(values, 0, 255).round().astype(np.uint8)[image]
