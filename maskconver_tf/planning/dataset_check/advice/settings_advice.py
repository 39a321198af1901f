"""Warns where a dataset and the settings of a training do not fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from maskconver_tf.datasets.census.measure_picture import PictureMeasures
from maskconver_tf.errors import UserError

MOST_CUT = 0.25
"""Share of the things that crops may cut before a warning; `maskconver new` crops less, too."""
MOST_TINY = 0.02
"""Share of the things that may be under two cells before a warning."""
_CELLS = 2
_WINDOWS = 65
"""Evenly spread places of a crop, for a mean over all."""


@dataclasses.dataclass(frozen=True)
class TrainingView:
    """What a training sees, to compare with the evaluation.

    Attributes:
      num_proposals: most segments of a prediction.
      train_size: (height, width) of the training's input; None for that of the evaluation.
      scale_range: lowest and highest scale; 1 is the scale at which a picture just fits.
    """

    num_proposals: int = 256
    train_size: tuple[int, int] | None = None
    scale_range: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self):
        low, high = self.scale_range
        if not 0 < low <= high:
            raise UserError(
                f"--scale_range {low:g},{high:g}: expected two numbers above 0, the lower one "
                "first, such as 0.5,2"
            )
        if self.num_proposals < 1:
            raise UserError(f"--num_proposals {self.num_proposals}: expected 1 or more")


class SettingsAdvice:
    """Collects a few numbers of each picture, and makes warnings of them.

    Args:
      is_thing: bool `[C]`.
      input_sizes: (height, width) of the evaluation's inputs.
      num_slots: most segments of a picture in training.
      mask_stride: input pixels per cell of the masks.
      view: see `TrainingView`.
    """

    def __init__(
        self,
        is_thing: np.ndarray,
        input_sizes: Sequence[tuple[int, int]],
        num_slots: int,
        mask_stride: int,
        view: TrainingView,
    ):
        self._is_thing = np.asarray(is_thing)
        self._sizes, self._num_slots = [tuple(size) for size in input_sizes], num_slots
        self._mask_stride, self._view = mask_stride, view
        self._most = (0, "")
        self._num_things = 0
        self._tiny = dict.fromkeys(self._sizes, 0)
        self._cut = dict.fromkeys(self._sizes, 0.0)

    def add(self, picture: PictureMeasures) -> None:
        """Counts one usable picture."""
        self._most = max(self._most, (len(picture.class_ids), picture.name))
        counted = self._is_thing[picture.class_ids] & ~np.array(picture.is_crowd, np.bool_)
        sides = np.sqrt(picture.areas[1:][counted])
        self._num_things += len(sides)
        for size in self._sizes:
            scaled = sides * _fit(picture.size, size)
            self._tiny[size] += int(np.sum(scaled < _CELLS * self._mask_stride))
            window = self._view.train_size or size
            cut = share_cut(picture.size, sides, window, self._view.scale_range)
            self._cut[size] += cut * len(sides)

    def warnings(self) -> list[str]:
        """Returns a sentence for each thing that does not fit."""
        found = [*self._too_few(), *self._other_scales()]
        if not self._num_things:
            return found
        for size in self._sizes:
            shown = f"{size[0]} x {size[1]}"
            tiny, cut = (counts[size] / self._num_things for counts in (self._tiny, self._cut))
            if tiny > MOST_TINY:
                found.append(
                    f"at {shown} {tiny:.0%} of the things are less than {_CELLS} cells wide "
                    f"({_CELLS * self._mask_stride} input pixels); a larger input finds more"
                )
            if cut > MOST_CUT:
                found.append(
                    f"with the training's crops for {shown} a crop cuts {cut:.0%} of the things "
                    "that it shows; train on whole pictures, or lower scale_range"
                )
        return found

    def _too_few(self) -> Iterator[str]:
        most, name = self._most
        for setting, value in (
            ("num_slots", self._num_slots),
            ("num_proposals", self._view.num_proposals),
        ):
            if most > value:
                yield (
                    f"{name} has {most} segments, more than {setting} = {value}; set {setting} to "
                    f"at least {most}"
                )

    def _other_scales(self) -> Iterator[str]:
        """Warns if an evaluation shows pictures at a scale that the training never does."""
        low, high = self._view.scale_range
        for size in self._sizes:
            train = self._view.train_size or size
            ratio = min(a / b for a, b in zip(size, train, strict=True))
            if not low * 0.99 <= ratio <= high * 1.01:
                yield (
                    f"an evaluation at {size[0]} x {size[1]} shows pictures {ratio:.2f} times as "
                    f"large as a training at {train[0]} x {train[1]} with scale 1, whose scales "
                    f"are {low:g} to {high:g}; let scale_range contain {ratio:.2f}, or use one size"
                )


def share_cut(
    picture: tuple[int, int],
    sides: np.ndarray,
    window: tuple[int, int],
    scale_range: tuple[float, float],
) -> float:
    """The share of the things in a random crop that its border cuts, for square things.

    Args:
      picture: (height, width) of the picture.
      sides: of its things, in its pixels.
      window: (height, width) of the training's input.
      scale_range: `TrainingInput.scale_range`.
    """
    if not len(sides):
        return 0.0
    shares = []
    for scale in _fit(picture, window) * np.linspace(*scale_range, 5):
        whole, seen = np.ones(len(sides)), np.ones(len(sides))
        for length, side in zip(picture, window, strict=True):
            inside, touched = _crop_shares(length * scale, side, sides * scale)
            whole, seen = whole * inside, seen * touched
        shares.append(1.0 - whole.sum() / max(seen.sum(), 1e-9))
    return float(np.mean(shares))


def _fit(picture: tuple[int, int], canvas: tuple[int, int]) -> float:
    """The scale at which a picture just fits."""
    return min(wanted / side for wanted, side in zip(canvas, picture, strict=True))


def _crop_shares(length: float, window: float, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For one axis: the chance that a window at a random place holds a thing whole, or touches it.

    Args:
      length: of the scaled picture.
      window: of the crop.
      sides: of the things, which lie anywhere.
    """
    if window >= length - 1:  # A picture that just fits is rounded.
        return np.ones(len(sides)), np.ones(len(sides))
    sides = np.minimum(sides, length)
    places = np.maximum(length - sides, 1e-9)
    first = np.linspace(0.0, length - window, _WINDOWS)[:, np.newaxis]
    ends = np.minimum(first + window, length - sides) - np.maximum(first - sides, 0.0)
    touched = np.clip(ends / places, 0.0, 1.0).mean(axis=0)
    return np.clip((window - sides) / places, 0.0, touched), touched
