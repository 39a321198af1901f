"""Maps the channels of a picture, of any type of number, to three channels of 8 bits."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import numpy as np

from maskconver_tf.errors import UserError, typed_repr

PICTURE, DATASET = "picture", "dataset"
STRETCHES = (PICTURE, DATASET)
_NONE = "none"
_MOST_CHANNELS = 1000
_DEFAULT_PERCENTILES = (0.1, 99.9)


class MissingChannel(ValueError):
    """A picture has too few channels for a mapping; the text says which."""


@dataclasses.dataclass(frozen=True)
class ChannelMapping:
    """How a picture becomes RGB.

    A value v of a channel becomes 255 (v - low) / (high - low), rounded, and cut to 0..255. A
    channel in which low equals high becomes 0.

    Attributes:
      channels: one to three channels of the file, counted from 0, for red, green and blue. One is
        used for all three; of two, blue is 0. Empty: the first three, or the first one of a picture
        with one or two.
      percentiles: low and high are these percentiles of each channel of the picture, 0..100,
        without NaN and infinite values. None: the whole range of the type, for unsigned whole
        numbers only.
      limits: (low, high) of each channel, of all pictures of a dataset together, in place of those
        of the picture itself.
    """

    channels: tuple[int, ...] = ()
    percentiles: tuple[float, float] | None = _DEFAULT_PERCENTILES
    limits: tuple[tuple[float, float], ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the mapping as the class list's file holds it."""
        return {key: _listed(value) for key, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_json(cls, content: Any, where: str) -> ChannelMapping:
        """Reads `to_json`; raises `UserError`, which names the file `where`."""
        try:
            percentiles, limits = content["percentiles"], content["limits"]
            return cls(
                tuple(_whole(channel) for channel in content["channels"]),
                None if percentiles is None else _pair(percentiles),
                None if limits is None else tuple(_pair(pair) for pair in limits),
            )
        except (KeyError, TypeError, ValueError):
            raise UserError(
                f"{where}: found pictures {typed_repr(content)}; expected channels, percentiles "
                "and limits, as `maskconver data build --channels` writes them. Build the dataset "
                "again"
            ) from None

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Maps a picture.

        Args:
          pixels: whole numbers or floats `[h, w, c]`.

        Returns:
          uint8 `[h, w, 3]`.

        Raises:
          MissingChannel: the picture has too few channels.
          ValueError: its numbers need percentiles; the text says which.
        """
        if pixels.dtype == np.bool_:
            pixels = pixels * np.uint8(255)
        planes = [pixels[..., channel] for channel in self.chosen(pixels.shape[-1])]
        bytes_ = [_to_bytes(p, *self._range(p, i)) for i, p in enumerate(planes)]
        if len(bytes_) == 1:
            bytes_ *= 3
        if len(bytes_) == 2:
            bytes_.append(np.zeros_like(bytes_[0]))
        return np.stack(bytes_, axis=-1)

    def chosen(self, count: int) -> tuple[int, ...]:
        """Returns the channels to take from a picture with `count` channels."""
        chosen = self.channels or ((0, 1, 2) if count >= 3 else (0,))
        if max(chosen) >= count:
            has = f"{count} channel{'s' * (count != 1)}"
            raise MissingChannel(f"{has}, and channel {max(chosen)} (counted from 0) is wanted")
        return chosen

    def _range(self, plane: np.ndarray, number: int) -> tuple[float, float]:
        if self.limits is not None:
            if number >= len(self.limits):
                raise MissingChannel(f"{number + 1} channels, and limits for {len(self.limits)}")
            return self.limits[number]
        if self.percentiles is not None:
            known = finite_values(plane)
            low, high = np.percentile(known, self.percentiles) if len(known) else (0.0, 0.0)
            return float(low), float(high)
        if plane.dtype.kind != "u":
            raise ValueError(f"{plane.dtype} numbers, which have no known range; use percentiles")
        return 0.0, float(np.iinfo(plane.dtype).max)


def finite_values(plane: np.ndarray) -> np.ndarray:
    """Returns the values of a channel, flat, without NaN and infinite ones."""
    flat = plane.ravel()
    return flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat


def parse_channels(text: str) -> tuple[int, ...]:
    """Reads `--channels`: one to three numbers, such as 2,1,0."""
    words = [word.strip() for word in text.split(",")]
    numbers = [int(word) if re.fullmatch(r"[0-9]{1,4}", word) else -1 for word in words]
    if not 1 <= len(numbers) <= 3 or not all(0 <= n < _MOST_CHANNELS for n in numbers):
        raise UserError(
            f"--channels {text}: expected one to three channels of the files, counted from 0, for "
            "red, green and blue, such as 2,1,0"
        )
    return tuple(numbers)


def parse_percentiles(text: str) -> tuple[float, float] | None:
    """Reads `--percentiles`: two numbers, such as 0.1,99.9; or none."""
    if text.strip().lower() == _NONE:
        return None
    try:
        low, high = (float(word) for word in text.split(","))
    except ValueError:
        low = high = math.nan
    if not 0 <= low < high <= 100:
        raise UserError(
            f"--percentiles {text}: expected two rising numbers from 0 to 100, such as 0.1,99.9; "
            "give none for the whole range of 8 and 16 bits"
        )
    return low, high


def _to_bytes(plane: np.ndarray, low: float, high: float) -> np.ndarray:
    if not high > low:
        return np.zeros(plane.shape, np.uint8)
    scaled = (plane.astype(np.float64) - low) * (255 / (high - low))
    return np.clip(np.nan_to_num(scaled, posinf=255, neginf=0), 0, 255).round().astype(np.uint8)


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _pair(values: Any) -> tuple[float, float]:
    low, high = values
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in (low, high)):
        raise ValueError
    return float(low), float(high)
