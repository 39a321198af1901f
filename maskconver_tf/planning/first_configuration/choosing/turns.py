"""Flips and turns, by what is known about the way the pictures lie."""

from __future__ import annotations

from typing import Literal

from maskconver_tf.planning.first_configuration.choosing.setting import Setting
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts, has_a_top

Orientation = Literal["upright", "any"]


def turn_settings(
    facts: DataFacts, orientation: Orientation
) -> tuple[list[Setting], tuple[str, ...]]:
    """Returns the settings, and doubts.

    Args:
      facts: the data.
      orientation: "upright" for pictures with a top, "any" if turned ones are as good.
    """
    if orientation == "any":
        return [Setting("TrainingInput.flip", True, "a mirrored picture is as good")], ()
    reason = "left and right may be swapped; set it False if they differ, as in writing"
    doubts: tuple[str, ...] = ()
    if has_a_top(facts) is False:
        doubts = (
            "no class keeps to the top or the bottom; if a turned picture is as good, "
            "--orientation any adds turns",
        )
    return [Setting("TrainingInput.flip", True, reason)], doubts
