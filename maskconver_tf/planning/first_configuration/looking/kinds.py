"""Tells kinds of pictures apart: gray ones, photographs, and others such as drawings."""

from __future__ import annotations

import numpy as np

_LARGEST_GRAY_DIFFERENCE = 8
"""Channels of a gray picture differ by no more than this; JPEG files of gray pictures do."""

_MOST_SATURATION = 50.0
"""Mean difference of the largest and the smallest channel. Generated scenes have 70, the
photographs of COCO 32 and of CamVid 11 (medians)."""

_SLOPES = (1.7, 3.3)
"""Of the power spectrum. Photographs fall with frequency to the power of about 2 (Field 1987);
CamVid and COCO have 2.1 to 3.0, blurred pictures of small things 4."""

_COARSE, _FINE = (0.02, 0.08), (0.15, 0.3)
"""Bands of frequencies, in cycles per pixel, between which the slope is measured."""

_SHORTEST_SIDE, _LONGEST_SIDE = 48, 512
"""Of the part that is measured, in pixels. Smaller pictures have too few frequencies."""


def is_gray(pixels: np.ndarray) -> bool:
    """Whether the three channels are nearly equal; uint8 `[h, w, 3]`. Looks at every fourth row."""
    return bool(np.quantile(_channel_differences(pixels[::4]), 0.99) <= _LARGEST_GRAY_DIFFERENCE)


def looks_like_photograph(pixels: np.ndarray, encoded: bytes) -> bool:
    """Guesses whether a camera took a picture of a scene, in color or in gray.

    A JPEG in color counts as a photograph. Other files do if their colors are not more saturated
    and their spectrum is not steeper or flatter than those of photographs.

    Args:
      pixels: uint8 `[h, w, 3]`.
      encoded: the picture's file.
    """
    if encoded.startswith(b"\xff\xd8") and not is_gray(pixels):
        return True
    if _channel_differences(pixels[::4]).mean() > _MOST_SATURATION:
        return False
    slope = spectral_slope(pixels[:_LONGEST_SIDE, :_LONGEST_SIDE].mean(axis=2))
    return _SLOPES[0] <= slope <= _SLOPES[1]


def spectral_slope(gray: np.ndarray) -> float:
    """Returns how fast the power of a picture falls: the power is about 1 / frequency ** slope.

    Args:
      gray: float `[h, w]`.

    Returns:
      The slope between two bands of frequencies; 0 if the picture is too small or is flat.
    """
    if min(gray.shape) < _SHORTEST_SIDE:
        return 0.0
    power = np.square(np.abs(np.fft.fft2(gray - gray.mean())))
    height, width = gray.shape
    radius = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width))
    bands = [(radius > low) & (radius < high) for low, high in (_COARSE, _FINE)]
    coarse, fine = (float(power[band].mean()) for band in bands)
    if coarse <= 0 or fine <= 0:
        return 0.0
    distance = np.log(sum(_FINE) / sum(_COARSE))
    return float(np.log(coarse / fine) / distance)


def _channel_differences(pixels: np.ndarray) -> np.ndarray:
    channels = pixels.astype(np.int16)
    return channels.max(axis=2) - channels.min(axis=2)
