"""Finds the range of values of each channel over many pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from maskconver_tf.files.channels.channel_mapping import ChannelMapping, finite_values

_VALUES_OF_PICTURE = 20_000
"""Values that a channel of one picture adds; evenly spread over the picture."""


def with_limits(mapping: ChannelMapping, pictures: Iterable[np.ndarray]) -> ChannelMapping:
    """Returns the mapping with limits: its percentiles over all pictures together.

    Args:
      pictures: stored channels `[h, w, c]` of each picture.

    Raises:
      ValueError: a picture has too few channels, or there is no picture.
    """
    samples: list[list[np.ndarray]] = []
    for pixels in pictures:
        chosen = mapping.chosen(pixels.shape[-1])
        samples.append([_spread(finite_values(pixels[..., channel])) for channel in chosen])
    if not samples:
        raise ValueError("no picture can be read")
    if len({len(sample) for sample in samples}) > 1:
        raise ValueError("some pictures have one channel and others three; choose with --channels")
    channels = [np.concatenate(values) for values in zip(*samples, strict=True)]
    limits = [np.percentile(v, mapping.percentiles) if len(v) else (0, 0) for v in channels]
    return dataclasses.replace(mapping, limits=tuple((float(a), float(b)) for a, b in limits))


def _spread(values: np.ndarray) -> np.ndarray:
    return values[:: max(1, len(values) // _VALUES_OF_PICTURE)].astype(np.float64)
