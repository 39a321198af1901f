"""Flips and turns, by what is known about the way the pictures lie."""

from __future__ import annotations

from typing import Literal

import numpy as np

from maskconver_tf.planning.first_configuration.choosing.setting import Setting
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts, has_a_top

Orientation = Literal["upright", "any"]

_LONGEST = 1.34
"""Ratio of the sides. A longer picture would leave much of a square input empty."""


def turns_by_quarters(facts: DataFacts, orientation: Orientation) -> bool:
    """Whether training turns the pictures by quarters; the input is square then."""
    sizes = facts.sizes.astype(np.float64)
    ratio = float(np.median(sizes.max(axis=1) / sizes.min(axis=1)))
    return orientation == "any" and ratio <= _LONGEST


def turn_settings(
    facts: DataFacts, orientation: Orientation
) -> tuple[list[Setting], tuple[str, ...]]:
    """Returns the settings, and doubts.

    Args:
      facts: the data.
      orientation: "upright" for pictures with a top, "any" if turned ones are as good.
    """
    if orientation == "upright":
        reason = "left and right may be swapped; set it False if they differ, as in writing"
        return [Setting("TrainingInput.flip", True, reason)], _doubts_of_upright(facts)
    turned = turns_by_quarters(facts, orientation)
    why = "a turned picture is as good" if turned else "off, since the pictures are long"
    return [
        Setting("TrainingInput.flip", True, "a mirrored picture is as good"),
        Setting("TrainingInput.vertical_flip", True, "the same from top to bottom"),
        Setting("TrainingInput.quarter_turns", turned, why),
    ], ()


def _doubts_of_upright(facts: DataFacts) -> tuple[str, ...]:
    of_scenes = facts.photograph_share > 0.5 and facts.gray_share <= 0.5
    if of_scenes or has_a_top(facts) is not False:
        return ()
    return (
        "no class keeps to the top or the bottom; if a turned picture is as good, "
        "--orientation any adds turns",
    )
