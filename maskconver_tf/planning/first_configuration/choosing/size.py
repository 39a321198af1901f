"""The input size: large enough for the smallest things, small enough for the time there is."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from maskconver_tf.planning.dataset_check.advice.settings_advice import MOST_CUT
from maskconver_tf.planning.first_configuration.choosing.time_budget import TimeBudget
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts

_GOOD, _ENOUGH = 10.0, 6.7
"""Half box diagonal, in input pixels, of the smallest tenth of the things.

The demo was tuned at 10 (two thirds of its pictures' size), crowds at 6.7 (their own size).
Pictures are made smaller down to the first, and larger only up to the second.
"""

_LEAST_WIDTH = 8.0
"""Shorter box side, in input pixels, of the narrowest tenth of the things: two cells of the mask
grid. Pictures are not made smaller than this asks for. Otherwise long and narrow things, such as
lines of text, would vanish."""

_LEAST_SIDE, _TINY_SIDE = 160, 64
_MOST_PIXELS = 1.5e6
"""Of an input: training and evaluation of larger ones take gigabytes of memory."""
_MOST_SIDE = 4096
_MOST_ENLARGED = 4.0

_GROWS = 4.0
"""Pictures are used larger than the things need if this many times the needed views fit."""

_LEAST_SHARE = 0.5
"""Of the wanted scale. Below, the smallest things would be lost; then a training takes longer."""

_MIXED = 1.5
"""Ratio of the longer sides of large and small pictures (nine tenths and one tenth) from which on
their sizes differ much. Those of COCO and CamVid are 1.0, those of generated crowds 1.2."""

_WORTH_CROPPING = 0.75
_LEAST_CROP = 0.4
"""Shares: of the scale below which crops are considered, and of the picture's side that a crop has
at least."""


@dataclasses.dataclass(frozen=True)
class ChosenSize:
    """Sizes of the inputs.

    Attributes:
      input_size: (height, width) of evaluation and prediction, which see whole pictures.
      train_size: (height, width) in training; smaller than `input_size` for crops.
      zoom: factor of `TrainingInput.scale_range` at which training sees the scale of evaluation.
      reason: for the experiment's comment: the scale of training, or why there are crops.
      doubts: what may be wrong with the choice; may be empty.
      is_enlarged: whether training sees whole pictures at a smaller scale than evaluation.
    """

    input_size: tuple[int, int]
    train_size: tuple[int, int]
    zoom: float
    reason: str
    doubts: tuple[str, ...] = ()
    is_enlarged: bool = False

    @property
    def crops(self) -> bool:
        return self.train_size != self.input_size and not self.is_enlarged

    @property
    def label_size(self) -> tuple[int, int]:
        """The input at whose scale the labels of a typical training picture are made."""
        return self.train_size if self.is_enlarged else self.input_size


def choose_size(
    facts: DataFacts, budget: TimeBudget, square: bool, mask_stride: int = 4
) -> ChosenSize:
    """Chooses the scale of the pictures, and whether training sees whole pictures or crops.

    Args:
      facts: the looked-at pictures.
      budget: what a training costs and how long it may take.
      square: whether the input must be square, because pictures are turned.
      mask_stride: input pixels per cell of the masks.
    """
    size = _choose_size(facts, budget, square)
    doubts = _doubts(facts, facts.scales(size.input_size), mask_stride)
    return dataclasses.replace(size, doubts=(*size.doubts, *doubts))


def _choose_size(facts: DataFacts, budget: TimeBudget, square: bool) -> ChosenSize:
    """Does `choose_size`, without a look at what is lost."""
    wanted = wanted_scale(facts)
    views = budget.views(canvas(facts, wanted, square))
    needed = budget.needed_views(facts)
    if views >= needed:
        return _whole(facts, _grown(facts, wanted, views / needed), square)
    scale = max(wanted * math.sqrt(views / needed), wanted * _LEAST_SHARE, _least_scale(facts))
    scale = min(scale, wanted)
    if scale < _WORTH_CROPPING * wanted:
        side_share = math.sqrt(views / needed)
        if (crops := _cropped(facts, wanted, side_share, square)) is not None:
            return crops
    return _whole(facts, scale, square, shrunk_from=wanted if scale < wanted else None)


def enlarged(size: ChosenSize) -> ChosenSize:
    """Returns the sizes with an input of evaluation that is half larger, if there are no crops.

    On crowds that were trained at 256 pixels and 0.6 to 1.6 times that scale, 384 pixels gave 3.5
    PQ of things more than 256 (docs/ablations.md).
    """
    if size.crops:
        return size
    larger = tuple(32 * round(1.5 * side / 32) for side in size.train_size)
    return dataclasses.replace(size, input_size=larger, zoom=1.0, is_enlarged=True)


def wanted_scale(facts: DataFacts) -> float:
    """Returns the scale of the pictures at which their smallest things can be seen.

    It is lower for pictures so large that an input of this scale would not fit the memory.
    """
    return min(max(_asked_scale(facts), _least_scale(facts)), _most_scale(facts))


def _asked_scale(facts: DataFacts) -> float:
    """Returns the scale that the smallest and the narrowest things ask for, whatever it costs."""
    scales, counted = _fitting_scales(facts), facts.counted()
    if not counted.any():
        return 1.0
    small, narrow = (
        float(np.quantile(facts.scaled(field, scales)[counted], 0.1))
        for field in ("half_diagonals", "short_sides")
    )
    of_length = min(_GOOD / small, max(1.0, _ENOUGH / small))
    return max(of_length, min(1.0, _LEAST_WIDTH / narrow))


def _fitting_scales(facts: DataFacts) -> np.ndarray:
    """Returns the scale at which each picture fits an input for pictures of the usual size; `[p]`.

    It is 1 for all unless their sizes differ much: then an input shrinks the things of large
    pictures more than those of others.
    """
    longer = facts.sizes.max(axis=1)
    low, high = np.quantile(longer, [0.1, 0.9])
    return np.median(longer) / longer if high > _MIXED * low else np.ones(len(longer))


def _least_scale(facts: DataFacts) -> float:
    """Pictures keep `_LEAST_SIDE` pixels; tiny ones are enlarged."""
    longer = float(np.median(facts.sizes.max(axis=1)))
    scale = max(min(1.0, _LEAST_SIDE / longer), _TINY_SIDE / longer)
    return min(scale, _most_scale(facts))


def _most_scale(facts: DataFacts) -> float:
    """The largest scale that memory allows."""
    sizes = facts.sizes.astype(np.float64)
    pixels, longer = np.median(sizes.prod(axis=1)), np.median(sizes.max(axis=1))
    return min(math.sqrt(_MOST_PIXELS / pixels), _MOST_SIDE / longer, _MOST_ENLARGED)


def _grown(facts: DataFacts, wanted: float, spare: float) -> float:
    """Returns a larger scale, up to the pictures' own, if `spare` times the needed views fit."""
    most = max(wanted, min(1.0, _most_scale(facts)))
    return min(most, max(wanted, wanted * math.sqrt(spare / _GROWS)))


# ---- The canvas ----------------------------------------------------------------------------------
def canvas(facts: DataFacts, scale: float, square: bool) -> tuple[int, int]:
    """Returns the input, multiples of 32, that holds a typical picture at a scale.

    It has the shape of the pictures if they have one shape, and is square otherwise.
    """
    sizes = facts.sizes.astype(np.float64)
    if square or not has_one_shape(facts):
        side = _side(float(np.median(sizes.max(axis=1))) * scale)
        return side, side
    height, width = np.median(sizes, axis=0) * scale
    return _side(float(height)), _side(float(width))


def has_one_shape(facts: DataFacts) -> bool:
    """Whether most pictures have nearly the same ratio of height to width."""
    ratios = facts.sizes[:, 0] / facts.sizes[:, 1]
    low, high = np.quantile(ratios, [0.1, 0.9])
    return bool(high <= 1.25 * low)


def _side(pixels: float) -> int:
    """Rounds to a multiple of 32 that shrinks the pictures by at most 4 %."""
    side = 32 * max(1, round(pixels / 32))
    return side if side >= 0.96 * pixels else side + 32


# ---- Whole pictures or crops ---------------------------------------------------------------------
def _whole(
    facts: DataFacts, scale: float, square: bool, shrunk_from: float | None = None
) -> ChosenSize:
    size = canvas(facts, scale, square)
    scales = facts.scales(size)
    what = "things" if facts.has_things else "segments"
    half_diagonals = facts.scaled("half_diagonals", scales)[facts.counted()]
    reason = f"pictures at {np.median(scales):.0%} of their size"
    if len(half_diagonals):
        small = 2 * float(np.quantile(half_diagonals, 0.1))
        reason += f"; the smallest tenth of the {what} is up to {small:.0f} pixels long"
    doubts = []
    if shrunk_from is not None:
        doubts.append(
            f"the time is short for the input that the {what} ask for, about "
            f"{'x'.join(map(str, canvas(facts, shrunk_from, square)))}; more --minutes allow it"
        )
    return ChosenSize(size, size, 1.0, reason, tuple(doubts))


def _doubts(facts: DataFacts, scales: np.ndarray, mask_stride: int) -> list[str]:
    """Returns what is lost at the scale of each picture."""
    doubts = []
    what = "things" if facts.has_things else "segments"
    asked, most = _asked_scale(facts), _most_scale(facts)
    if most < 0.8 * min(asked, 1.0):
        doubts.append(
            f"the {what} ask for pictures at {asked:.0%} of their size, but such inputs take too "
            "much memory; cut the pictures into tiles before the build"
        )
    narrow = facts.scaled("short_sides", scales)[facts.counted()] < 2 * mask_stride
    if len(narrow) and (lost := narrow.mean()) > 0.1:
        can_grow = bool(np.median(scales) < 0.9 * most)
        doubts.append(
            f"{lost:.0%} of the {what} are narrower than two cells of the mask grid "
            f"({2 * mask_stride} pixels of the input)"
            + "; a larger INPUT_SIZE draws them better and takes longer"
            * can_grow
        )
    return doubts


def _cropped(facts: DataFacts, scale: float, side_share: float, square: bool) -> ChosenSize | None:
    """Returns crops of a share of each side, or None if they would cut too many things."""
    whole = canvas(facts, scale, square)
    crop = tuple(_side(side * max(side_share, _LEAST_CROP)) for side in whole)
    if not facts.has_things or crop == whole:
        return None
    cut = cut_share(facts, facts.scales(whole), crop)
    if cut > MOST_CUT:
        return None
    zoom = float(np.median(facts.scales(whole) / facts.scales(crop)))
    reason = (
        f"training sees crops of {crop[0]}x{crop[1]} at the scale of evaluation, since whole "
        f"pictures take too long; they cut {cut:.0%} of the things"
    )
    doubt = "crops show less of the surroundings; whole pictures at a smaller size may be better"
    return ChosenSize(whole, crop, zoom, reason, (doubt,))


def cut_share(facts: DataFacts, scales: np.ndarray, crop: tuple[int, int]) -> float:
    """Share of the things in a random crop that its border cuts.

    A thing of side b shows in a crop of side c at c + b places and is cut at about 2 b of them.
    Here every thing counts as square, with the root of 2 times its half diagonal as its side.
    """
    sides = facts.scaled("half_diagonals", scales)[facts.counted()] * math.sqrt(2)
    kept = np.ones_like(sides)
    for side in crop:
        kept *= np.clip((side - sides) / (side + sides), 0, 1)
    return float(1 - kept.mean()) if len(kept) else 0.0
